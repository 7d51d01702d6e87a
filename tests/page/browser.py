# SPDX-License-Identifier: BSL-1.0
"""A headless Chromium of one's own, driven through chromedriver in WebDriver's own protocol."""

import atexit
import base64
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name under which WebDriver tells an element's id
ENTER, SPACE, TAB = "\ue007", " ", "\ue004"


def until(what, condition, seconds=20.0):
    """Asks until condition() is true, and returns it; fails with what was awaited and what was last seen."""
    deadline = time.monotonic() + seconds
    while not (seen := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what} (last seen: {seen!r})")
        time.sleep(0.05)
    return seen


class Program:
    """A program that says in a line of its output where it listens; it and what it started are stopped at the end."""

    def __init__(self, command, listens, environment={}, seconds=60):
        def late(*_):
            raise TimeoutError(f"{command[0]} did not say within {seconds} s where it listens")

        self.stopped = False
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)
        atexit.register(self.kill)
        before = signal.signal(signal.SIGALRM, late)
        signal.alarm(seconds)
        try:
            found = next(filter(None, (re.search(listens, line) for line in self.process.stdout)), None)
            if not found:
                raise RuntimeError(f"{command[0]} ended before it said where it listens (status {self.process.wait()})")
        except BaseException:
            self.kill()
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        self.port = int(found[1])

    def terminate(self, seconds=30):
        """Asks it to end, and returns its status."""
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self):
        if self.stopped:
            return
        self.stopped = True
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the group is its own
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdout.close()


class Browser:
    """One window, with everything that it keeps in a temporary folder."""

    def __init__(self):
        for program in ("chromedriver", "chromium"):
            if not shutil.which(program):
                raise RuntimeError(f"no {program} on this machine: .ci/prepare tests installs it")
        self.driver = self.session = None
        self.folder = tempfile.mkdtemp(prefix="larder-page-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.driver = Program(["chromedriver", "--port=0"], r"started successfully on port (\d+)",
                                  {"HOME": self.folder, "TMPDIR": self.folder})
            arguments = ["--headless=new", f"--user-data-dir={self.folder}", "--disable-gpu", "--disable-dev-shm-usage", "--disable-breakpad",
                         "--disable-background-networking", "--disable-component-update", "--no-first-run", "--hide-scrollbars",
                         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
            if os.geteuid() == 0:
                arguments.append("--no-sandbox")
            answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments},
                "goog:loggingPrefs": {"browser": "ALL"},
            }}})
            self.session = f"/session/{answer['sessionId']}"
        except BaseException:
            self.close()
            raise

    def close(self):
        try:
            if self.session:
                self.ask("DELETE", self.session)
        finally:
            if self.driver:
                self.driver.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.driver.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{method} {path}: {value['error']}: {value['message']}")
        return value

    def tell(self, command, **body):
        return self.ask("POST", self.session + command, body)

    def devtools(self, command, **parameters):
        return self.tell("/goog/cdp/execute", cmd=command, params=parameters)

    def open(self, address):
        self.tell("/url", url=address)

    def run(self, script, *arguments):
        """What a script in the page returns; an element comes back as WebDriver's reference to it."""
        return self.tell("/execute/sync", script=script, args=list(arguments))

    def press(self, *keys):
        """Keys on whatever has the focus, each pressed and let go."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.tell("/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def click(self, selector):
        element = self.tell("/element", using="css selector", value=selector)[ELEMENT]
        self.tell(f"/element/{element}/click")

    def complaints(self):
        """What the console has said since it was last asked: warnings and errors, the browser's own included."""
        return [entry for entry in self.tell("/se/log", type="browser") if entry["level"] in ("WARNING", "SEVERE")]

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, name, motion="no-preference"):
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": motion}])

    def picture(self):
        """The window as a PNG."""
        return base64.b64decode(self.ask("GET", self.session + "/screenshot"))
