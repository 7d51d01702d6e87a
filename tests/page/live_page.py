#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""live_page.py SERVER: the live page of the session server, in a real browser."""

import http.client
import json
import re
import signal
import sys
import unittest

from browser import ENTER, SPACE, TAB, ELEMENT, Browser, Program, until

SERVER = []  # the command that starts it

SEEN = """
    const seen = node => node.checkVisibility({visibilityProperty: true}) && node.getClientRects().length > 0;
"""

# The texts that stand out from what is behind them less than is needed to read them.
PALE = SEEN + """
    const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const colour = text => {
        paint.clearRect(0, 0, 1, 1); paint.fillStyle = text; paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = node => {
        for (; node; node = node.parentElement) {
            const found = colour(getComputedStyle(node).backgroundColor);
            if (found[3] === 255) return found;
        }
        return [255, 255, 255];
    };
    const pale = [];
    for (const node of document.body.querySelectorAll("*")) {
        const text = [...node.childNodes].filter(child => child.nodeType === 3).map(child => child.data.trim()).join("");
        if (!text || !seen(node) || node.closest("noscript")) continue;
        const style = getComputedStyle(node);
        const two = [light(colour(node.ownerSVGElement ? style.fill : style.color)), light(behind(node))];
        const contrast = (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
        if (contrast < 4.5) pale.push(`${node.tagName}.${node.getAttribute("class")} "${text}": ${contrast.toFixed(2)}`);
    }
    return pale;
"""

# What sticks out of a window of a width, to its right or left, though it is not in something that scrolls by itself.
WIDE = SEEN + """
    const wide = [...document.body.querySelectorAll("*")].filter(node => {
        const box = node.getBoundingClientRect();
        return seen(node) && !node.closest(".unseen, .skip, .scroller table") && (box.left < -0.5 || box.right > arguments[0] + 0.5);
    }).map(node => `${node.tagName}.${node.getAttribute("class")}`);
    if (document.documentElement.scrollWidth > arguments[0]) wide.push(`the page: ${document.documentElement.scrollWidth}`);
    return wide;
"""


class LivePage(unittest.TestCase):
    def setUp(self):
        self.excused = None  # the complaints in the console that a test provokes
        self.server = self.start()
        self.browser = Browser()
        self.addCleanup(self.browser.close)
        self.browser.size(1280, 900)
        self.open()

    def tearDown(self):
        complaints = [entry["message"] for entry in self.browser.complaints()]
        self.assertEqual([text for text in complaints if not (self.excused and re.search(self.excused, text))], [])

    def start(self, *options, port=0):
        server = Program([*SERVER, "--port", str(port), "--users", "40", *options], r"^listening on http://127\.0\.0\.1:(\d+)")
        self.addCleanup(server.kill)
        return server

    def open(self):
        self.browser.open(f"http://127.0.0.1:{self.server.port}/")
        self.awaits("the page hears from its server", "return document.getElementById('connection').textContent === 'Live'")

    def awaits(self, what, script, *arguments):
        return until(what, lambda: self.browser.run(script, *arguments), 60)

    def ask(self, method, path, body=None, token=None):
        """(status, headers, body) of the server's answer to a program that is no browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def log_in(self, user):
        """The access token of a new session."""
        status, _, body = self.ask("POST", "/login", {"user": user, "cookies": False})
        self.assertEqual(status, 201, body)
        return json.loads(body)["access"]

    def live(self):
        return json.loads(self.ask("GET", "/live.json")[2])

    def text(self, selector):
        return self.browser.run("return document.querySelector(arguments[0])?.textContent ?? null", selector)

    def figure(self, name):
        """A figure of the list 'Now', as a number."""
        found = re.match(r"[\d.,]+", self.text(f'[data-figure="{name}"] dd'))
        return float(found[0].replace(",", "")) if found else None

    def tab_to(self, selector):
        """Walks to an element with the tabulator key."""
        for _ in range(60):
            if self.browser.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.browser.press(TAB)
        self.fail(f"the tabulator key does not reach {selector}")

    def make_traffic(self):
        self.tab_to('[data-clients="8"]')
        self.browser.press(ENTER)
        self.awaits("traffic is marked as on", "return document.querySelector('[data-clients=\"8\"]').getAttribute('aria-pressed') === 'true'")
        until("requests are told", lambda: self.figure("requests"), 60)

    # ---- tests -------------------------------------------------------------------------------------------------------

    def test_loads_without_a_complaint_and_without_anything_from_elsewhere(self):
        policy = self.ask("GET", "/")[1]["Content-Security-Policy"]
        self.assertIn("default-src 'self'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertIn(f"process {self.server.process.pid}, port {self.server.port}", self.text("#process"))
        self.assertTrue(self.browser.run("return document.getElementById('hint').checkVisibility()"), "an idle server is not called idle")
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('.chart .empty')].map(text => text.textContent)"), ["Nothing yet"] * 4)
        self.make_traffic()
        self.awaits("the page asks on", "return performance.getEntriesByName(new URL('live.json', location)).length > 3")
        fetched = self.browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
        self.assertTrue(fetched)
        self.assertEqual([name for name in fetched if not name.startswith(f"http://127.0.0.1:{self.server.port}/")], [])

    def test_numbers_move_under_traffic(self):
        until("no requests are told", lambda: self.figure("requests") == 0, 60)
        self.make_traffic()
        self.awaits("the hint is gone", "return !document.getElementById('hint').checkVisibility()")
        until("entries are cached", lambda: self.figure("entries"), 60)
        self.awaits("a share of the answers is from memory", "return parseFloat(document.querySelector('[data-tier=memory] .share').textContent) > 0")
        for title in ("Hit ratio", "Answers a second", "Database queries", "Latency"):
            with self.subTest(title):
                told = """return [...document.querySelectorAll('.chart svg')].map(svg => svg.getAttribute('aria-label')).find(label => label.startsWith(arguments[0]))"""
                until(f"the chart {title} says figures above 0", lambda: re.search(r"[1-9][\d.,]*[^\d;]* now", self.browser.run(told, title)), 60)
        drawn = "return [...document.querySelectorAll('.chart path:is(.line, .stack)')].map(path => path.getAttribute('d')).join()"
        before = self.browser.run(drawn)
        until("the charts go on", lambda: self.browser.run(drawn) != before, 60)
        self.browser.run("document.querySelector('summary').click()")
        self.awaits("the table has the figures", "return document.querySelectorAll('#table tbody tr').length > 1")

        self.tab_to('[data-clients="0"]')
        self.browser.press(SPACE)
        until("the traffic has stopped", lambda: self.figure("requests") == 0, 60)
        self.assertEqual(self.live()["traffic"]["clients"], 0)

    def test_log_out_everywhere_is_seen(self):
        tokens = [self.log_in(7), self.log_in(7)]
        other = self.log_in(8)
        self.assertEqual([self.ask("GET", "/me", token=token)[0] for token in [*tokens, *[other] * 50]], [200] * 52)  # the other user's is used most
        writes = until("the logins are told", lambda: self.figure("writes"), 60)
        self.tab_to("#user")
        self.browser.press("7", ENTER)
        self.awaits("the status says how many sessions ended", "return document.getElementById('status').textContent.startsWith('User 7: 2 sessions ended')")
        self.awaits("an event says so", """return [...document.querySelectorAll('#events [data-kind=logged_out_everywhere] .text')]
            .some(text => /user 7: 2 sessions/.test(text.textContent))""")
        until("more has been written", lambda: self.figure("writes") > writes, 60)
        self.assertEqual([self.ask("GET", "/me", token=token)[0] for token in [*tokens, other]], [401, 401, 200])

    def test_log_out_everywhere_of_the_busiest_user_is_seen(self):
        self.make_traffic()
        self.tab_to("#logout button")
        status = r"return document.getElementById('status').textContent.match(/^User (\d+): ([1-9]\d* sessions?) ended/)?.slice(1)"

        def pressed():  # the traffic itself may have logged that user out just before
            self.browser.press(SPACE)
            return self.browser.run(status)

        said = until("the status says whose sessions ended", pressed, 60)
        self.awaits("an event says so", """return [...document.querySelectorAll('#events [data-kind=logged_out_everywhere] .text')]
            .some(text => text.textContent.startsWith(arguments[0]))""", "user {}: {} ended".format(*said))

    def test_what_the_server_refuses_is_said(self):
        self.excused = "demo/logout-everywhere.*status of 400"
        self.browser.run("document.getElementById('user').removeAttribute('pattern')")
        self.tab_to("#user")
        self.browser.press("0", ENTER)
        self.awaits("the refusal is said", "return document.getElementById('status').textContent.startsWith('The server refused')")

    def test_a_tier_that_goes_and_comes_back_is_seen(self):
        self.make_traffic()
        share = "return parseFloat(document.querySelector('[data-tier=memory] .share').textContent)"
        until("memory answers most", lambda: self.browser.run(share) > 50, 60)
        self.tab_to('[data-tier="memory"] button')
        self.browser.press(ENTER)
        self.awaits("the tier is marked as away", "return document.querySelector('[data-tier=memory].away .away-mark')?.checkVisibility()")
        self.awaits("the button brings it back", "return document.activeElement.getAttribute('aria-label') === 'Bring Process memory back'")
        self.awaits("the charts mark the time", "return document.querySelectorAll('.chart .gone').length === 4")
        until("memory answers nothing", lambda: self.browser.run(share) == 0, 60)
        self.assertEqual([tier["up"] for tier in self.live()["tiers"] if tier["tier"] == "memory"], [False])
        self.browser.press(ENTER)
        self.awaits("the tier is no longer away", "return document.querySelector('[data-tier=memory]:not(.away)') !== null")
        until("memory answers again", lambda: self.browser.run(share) > 50, 60)

    def test_a_phone_need_not_scroll_sideways(self):
        self.browser.size(360, 740)
        self.make_traffic()
        self.browser.run("document.querySelector('summary').click(); document.querySelector('[data-tier=memory] button').click()")
        self.awaits("the tier is away", "return document.querySelector('[data-tier=memory].away') !== null")
        self.awaits("the table is filled", "return document.querySelector('#table tbody tr') !== null")
        self.assertEqual(self.browser.run(WIDE, 360), [])
        small = self.browser.run("""return [...document.querySelectorAll('button, input, summary')]
            .filter(node => node.offsetHeight < 24 || node.offsetWidth < 24).map(node => node.outerHTML)""")
        self.assertEqual(small, [])

    def test_light_and_dark_differ_and_both_can_be_read(self):
        self.make_traffic()
        self.browser.run("document.querySelector('[data-tier=memory] button').click()")
        self.awaits("the tier is away", "return document.querySelector('[data-tier=memory].away') !== null")
        grounds = []
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme, "reduce")
            grounds.append(self.browser.run("return getComputedStyle(document.documentElement).backgroundColor"))
            self.assertEqual(self.browser.run(PALE), [], scheme)
        self.assertNotEqual(*grounds)

    def test_who_wants_no_motion_gets_none(self):
        moving = "return document.getAnimations().length"
        self.browser.scheme("light")
        self.awaits("something moves", moving)
        self.browser.scheme("light", "reduce")
        self.awaits("nothing moves", f"{moving} === 0")

    def test_the_keyboard_reaches_everything_by_name(self):
        wanted = self.browser.run(SEEN + "return [...document.querySelectorAll('button, input, summary, a[href]')].filter(seen).length")
        names, unmarked = {}, []
        for _ in range(60):
            self.browser.press(TAB)
            found = self.browser.run("return document.activeElement === document.body ? null : document.activeElement")
            if not found or found[ELEMENT] in names:
                break
            names[found[ELEMENT]] = self.browser.ask("GET", f"{self.browser.session}/element/{found[ELEMENT]}/computedlabel")
            if not self.browser.run("const style = getComputedStyle(arguments[0]); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2", found):
                unmarked.append(names[found[ELEMENT]])
        reached = self.browser.run("return arguments[0].filter(node => node.matches('button, input, summary, a[href]')).length", [{ELEMENT: name} for name in names])
        self.assertEqual(reached, wanted, names.values())
        self.assertEqual([name for name in names.values() if not name.strip()], [])
        self.assertEqual(len(set(names.values())), len(names), f"two of the same name: {names.values()}")
        self.assertEqual(unmarked, [], "focus that cannot be seen")
        for name in ("Stop the traffic", "Some traffic", "More traffic", "Log out everywhere", "Take Process memory away", "User"):
            self.assertIn(name, names.values())

    def test_a_pause_holds_the_figures(self):
        self.tab_to("#pause")
        self.browser.press(ENTER)
        self.assertEqual(self.text("#connection"), "Paused")
        held = self.text("#process")
        uptime = self.live()["process"]["uptime_ms"]
        until("time passes", lambda: self.live()["process"]["uptime_ms"] > uptime + 2500, 60)
        self.assertEqual(self.text("#process"), held)
        self.browser.press(ENTER)
        until("the figures go on", lambda: self.text("#process") != held, 60)

    def test_a_server_without_the_demonstration_has_no_buttons_for_it(self):
        self.server = self.start("--no-demo")
        self.open()
        self.awaits("the tiers are shown", "return document.querySelectorAll('#tiers li').length > 1")
        buttons = SEEN + "return [...document.querySelectorAll('button')].filter(seen).map(button => button.textContent)"
        self.assertEqual(self.browser.run(buttons), ["Pause"])

    def test_a_server_that_stops_and_comes_back_is_told_of(self):
        self.excused = "net::ERR_"
        self.make_traffic()
        self.assertEqual(self.server.terminate(), 0)
        self.awaits("the page says that the server is gone", "return document.getElementById('trouble').checkVisibility() && /cannot be reached/.test(document.getElementById('trouble').textContent)")
        self.assertIn("Not reached", self.text("#connection"))
        self.tab_to('[data-clients="32"]')
        self.browser.press(ENTER)
        self.awaits("a button says that nothing came of it", "return document.getElementById('status').textContent === 'That did not reach the server.'")
        self.server = self.start(port=self.server.port)
        self.awaits("the page has found the server again", "return document.getElementById('connection').textContent === 'Live'")
        self.assertFalse(self.browser.run("return document.getElementById('trouble').checkVisibility()"))
        self.assertIn("restarted", self.text("#status"))
        self.make_traffic()


if __name__ == "__main__":
    SERVER[:] = sys.argv[1:2]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is told to end stops what was started
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
