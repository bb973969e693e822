"""Drives Debian's Chromium through its DevTools protocol: one page, its console, its clicks, its pictures."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

import websocket


class Failure(Exception):
    """What a person sees when the page does not do what it should."""


class Browser:
    """A headless Chromium with a profile of its own; `errors` collects whatever the console or the policy complains of."""

    def __init__(self, width=1280, height=800):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if not program:
            raise Failure("chromium is not installed: run Scripts/setup")
        self.folder = tempfile.mkdtemp(prefix="agbrowser-")
        self.downloads = os.path.join(self.folder, "downloads")
        os.mkdir(self.downloads)
        arguments = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--mute-audio",
            "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-port=0", "--remote-allow-origins=*",
            f"--user-data-dir={self.folder}/profile", f"--window-size={width},{height}", "about:blank"]
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        self.errors, self.calls, self.events = [], 0, []
        # Statuses that a step asks for on purpose.
        self.expected = []
        self.socket = websocket.create_connection(self._page_address(), timeout=60, suppress_origin=True)
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.send(f"{domain}.enable")
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=self.downloads)
        self.size(width, height)

    def _page_address(self):
        path = os.path.join(self.folder, "profile", "DevToolsActivePort")
        deadline = time.time() + 60
        while time.time() < deadline:
            if os.path.exists(path) and "\n" in open(path).read():
                port = open(path).read().split("\n")[0]
                pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list"))
                for page in pages:
                    if page["type"] == "page":
                        return page["webSocketDebuggerUrl"]
            time.sleep(0.05)
        raise Failure("chromium did not start: " + open(os.path.join(self.folder, "log")).read()[-500:])

    def close(self):
        try:
            self.send("Browser.close")
            self.socket.close()
            self.process.wait(10)
        except Exception:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # The protocol

    def send(self, method, **parameters):
        self.calls += 1
        number = self.calls
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise Failure(f"{method}: {message['error']['message']}")
                return message["result"]
            self._notice(message)

    def _notice(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            text = details.get("exception", {}).get("description", details["text"])
            self.errors.append(f"exception: {text} ({details.get('url', '')}:{details.get('lineNumber')})")
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            words = [str(value.get("value", value.get("description", ""))) for value in parameters["args"]]
            self.errors.append(f"console.{parameters['type']}: {' '.join(words)}")
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            entry = parameters["entry"]
            text = f"{entry['source']}: {entry['text']} {entry.get('url', '')}"
            if not any(word in text for word in self.expected):
                self.errors.append(text)

    # What a person does

    def size(self, width, height, phone=False, scale=1):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone,
                  screenWidth=width, screenHeight=height)
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)

    def theme(self, name, reduced=False):
        features = [{"name": "prefers-color-scheme", "value": name},
                    {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def open(self, url):
        self.send("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression, which may be a promise."""
        result = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failure(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def wait(self, script, seconds=15, what=None):
        """Until an expression is true; says what the page shows when it does not become so."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            try:
                value = self.run(script)
            except Failure:
                value = None
            if value:
                return value
            time.sleep(0.03)
        shown = self.run("document.body.innerText.slice(0, 1500)")
        raise Failure(f"waited {seconds} s for {what or script}; the page shows:\n{shown}\nerrors: {self.errors}")

    def wait_text(self, text, seconds=15):
        return self.wait(f"document.body.innerText.includes({json.dumps(text)})", seconds, f"the text '{text}'")

    def click(self, selector):
        """A real click in the middle of an element, which must be there and visible."""
        quoted = json.dumps(selector)
        self.wait(f"!!document.querySelector({quoted})", what=f"{selector} to be there")
        box = self.run(
            f"(() => {{ const e = document.querySelector({quoted}); e.scrollIntoView({{block: 'center'}});"
            f" const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2, r.width]; }})()")
        if not box[2]:
            raise Failure(f"{selector} is not visible")
        self.mouse("mousePressed", box[0], box[1])
        self.mouse("mouseReleased", box[0], box[1])

    def mouse(self, kind, x, y, button="left"):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="none" if kind == "mouseMoved" else button,
                  buttons=0 if kind == "mouseReleased" else (1 if button == "left" and kind != "mouseMoved" else 0),
                  clickCount=1)

    def drag(self, points):
        x, y = points[0]
        self.mouse("mousePressed", x, y)
        for x, y in points[1:]:
            self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.mouse("mouseReleased", x, y)

    def type(self, text):
        self.send("Input.insertText", text=text)

    KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "End": 35, "Home": 36, " ": 32}

    def key(self, name, shift=False):
        code = self.KEYS.get(name, ord(name[0].upper()))
        text = {"Enter": "\r", " ": " "}.get(name, name if len(name) == 1 else "")
        common = {"key": name, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path, whole=False):
        extra = {}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            extra = {"captureBeyondViewport": True,
                     "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}}
        data = self.send("Page.captureScreenshot", format="png", **extra)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def downloaded(self, ending, seconds=20):
        """The newest whole download with this ending."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            names = [name for name in os.listdir(self.downloads) if name.endswith(ending)]
            if names:
                path = os.path.join(self.downloads, names[0])
                if os.path.getsize(path):
                    return path
            self.run("0")
            time.sleep(0.05)
        raise Failure(f"nothing that ends in {ending} was downloaded: {os.listdir(self.downloads)}")
