#!/usr/bin/env python3
"""Opens a run's report.html in headless Chromium and fails on whatever a reader would miss.

    python3 .ci/check_page.py RUN/report.html [--screenshot FILE.png [--width 1200] [--height 3000]]

Fails (exit code 1, a line per reason) when the page writes anything to the console, when its script does not come to its
end, when a figure or a film is not drawn, when it refers to something outside the run's directory, or to a file that is
not there. Needs Chromium (`apt-get install chromium`) as `chromium`, `chromium-browser` or $CHROMIUM; Python's standard
library is enough. Exit code 2: no page or no browser.
"""

import argparse
import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=5000",
]


class Page(html.parser.HTMLParser):
    """The attributes of <html> and what the page refers to."""

    def __init__(self):
        super().__init__()
        self.root, self.links = {}, []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "html":
            self.root = attributes
        for name in ("href", "src"):
            link = attributes.get(name)
            if link and not link.startswith(("#", "data:")):
                self.links.append((tag, link))


def chromium():
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return name
    print("check_page: no Chromium found; install it or set CHROMIUM", file=sys.stderr)
    sys.exit(2)


def run(browser, path, extra):
    with tempfile.TemporaryDirectory(prefix="check_page.") as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", *extra, path.as_uri()]
        environment = {**os.environ, "HOME": profile}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def problems(path, dump):
    found = [f"console: {line}" for line in dump.stderr.splitlines() if "CONSOLE" in line]
    page = Page()
    page.feed(dump.stdout)
    root = page.root
    if root.get("data-ready") != "true":
        found.append("the page's script did not come to its end")
    for kind in ("figures", "films"):
        expected, drawn = root.get(f"data-{kind}"), root.get(f"data-{kind}-drawn")
        if expected is None or expected != drawn:
            found.append(f"{kind}: {drawn} of {expected} drawn")
    for tag, link in page.links:
        if re.match(r"[a-z][a-z0-9+.-]*:|//", link):
            found.append(f"<{tag}> refers to {link}, outside the run's directory")
        elif not (path.parent / urllib.parse.unquote(link.split("#")[0])).exists():
            found.append(f"<{tag}> refers to {link}, which is not there")
    return found, root


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("page", type=pathlib.Path)
    arguments.add_argument("--screenshot", type=pathlib.Path)
    arguments.add_argument("--width", type=int, default=1200)
    arguments.add_argument("--height", type=int, default=3000)
    arguments = arguments.parse_args()
    path = arguments.page.resolve()
    if not path.is_file():
        print(f"check_page: {path} is not there", file=sys.stderr)
        return 2
    browser = chromium()
    found, root = problems(path, run(browser, path, ["--dump-dom"]))
    if arguments.screenshot:
        size = f"--window-size={arguments.width},{arguments.height}"
        run(browser, path, [size, f"--screenshot={arguments.screenshot.resolve()}"])
    for problem in found:
        print(f"check_page: {problem}", file=sys.stderr)
    if not found:
        print(f"check_page: {path.name}: {root['data-figures']} figures and {root['data-films']} films drawn, no console message")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
