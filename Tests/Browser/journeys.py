"""What people do with the dashboard. Each journey leaves the page signed in; each ends with an empty list of complaints."""
import csv
import os
import re
import struct
import time

from browser import Failure
from operations import Operations
from rules import broken

PAGES = [
    ("overview", "/", "Overview"), ("jobs", "/jobs", "Jobs"), ("job", "/jobs/1", "Correlation"), ("new", "/jobs/new", "New job"),
    ("workers", "/workers", "Workers"), ("regions", "/regions", "Results"), ("summary", "/regions/USA/summary", "USA"),
    ("heatmap", "/regions/USA/heatmap", "USA"), ("map", "/regions/USA/map", "USA"), ("dendrogram", "/regions/USA/tree", "USA"),
    ("selection", "/regions/USA/unique", "USA"), ("formulas", "/regions/USA/usage", "USA"), ("alpha", None, None),
    ("schedules", "/schedules", "Schedules"), ("alerts", "/alerts", "Alerts"),
    ("audit", "/audit", "Audit log"),
]
OPTIONAL = {"schedules", "alerts", "audit"}
LOOKS = [("light", "light", (1360, 850, False)), ("dark", "dark", (1360, 850, False)), ("phone", "light", (360, 740, True))]
JOURNEYS = ["sign_in", "judge_its_pieces", "start_a_job", "filter_and_export", "walk_by_keyboard", "keep_a_schedule",
            "read_alerts", "read_the_audit_log", "follow_a_task", "look_at_every_page", "look_at_odd_regions", "stay_quick",
            "sign_out", "watch_as_viewer"]
ROW = ".vtable tr[data-index]"


class Journeys(Operations):
    looks = LOOKS

    def __init__(self, browser, cluster, arguments):
        self.browser, self.cluster, self.arguments = browser, cluster, arguments
        self.done, self.figures, self.pictures = [], {}, 0

    def run_all(self):
        failures = []
        for name in JOURNEYS:
            if self.arguments.only and name != "sign_in" and not re.search(self.arguments.only, name):
                continue
            begun = time.time()
            try:
                getattr(self, name)()
                complaints = self.browser.errors
            except Failure as failure:
                complaints = [str(failure)] + self.browser.errors
                self.browser.picture(os.path.join(self.arguments.out, f"failed-{name}.png"))
            failures += [f"{name.replace('_', ' ')}: {text}" for text in complaints]
            self.browser.errors.clear()
            self.done.append(name)
            print(f"dashboard: {name.replace('_', ' ')} ({time.time() - begun:.1f} s)", flush=True)
            if failures and name == "sign_in":
                break
        return failures

    def go(self, path, heading=None):
        browser = self.browser
        browser.run(f"location.hash = '#{path}'")
        browser.wait("!document.querySelector('.view > .waiting')", what=f"the view of {path}")
        if heading:
            browser.wait(f"document.querySelector('h1')?.textContent.includes({heading!r})", what=f"the heading {heading}")
        browser.wait("!document.querySelector('main .waiting')", 30, f"{path} to be whole")

    def first_alpha(self):
        self.go("/regions/USA/summary", "USA")
        self.browser.wait(f"!!document.querySelector('{ROW} td.id a')")
        return self.browser.run(f"document.querySelector('{ROW} td.id a').textContent")

    # The journeys

    def sign_in(self):
        browser = self.browser
        link = self.arguments.link or self.cluster.link()
        page = link.split("/#")[0]
        browser.expected = ["status of 401"]
        browser.open(page + "/")
        browser.wait_text("Sign in to AlphaGrid")
        self.complain(broken(browser), "sign in")
        browser.picture(os.path.join(self.arguments.out, "signin-light.png"))
        if self.cluster:
            browser.click("#token")
            browser.type("ag_" + "0" * 64)
            browser.key("Enter")
            browser.wait_text("This token is not valid here.")
        browser.open("about:blank")
        browser.open(link)
        browser.wait("document.querySelector('h1')?.textContent === 'Overview'")
        if "code" in browser.run("location.href") or "alphagrid_session" in browser.run("document.cookie"):
            raise Failure("the code stays in the address, or scripts see the cookie")
        browser.run("0")
        browser.expected = []

    def judge_its_pieces(self):
        """Small functions whose answers are known."""
        columns = "[{name: 'max_correlation', label: 'Max', kind: 'number'}, {name: 'alpha_id', label: 'Alpha', kind: 'id'}]"
        blocks = "{row_begin: 0, row_end: %d, column_begin: 0, column_end: %d, group: %d}"
        triangle = f"{{edge: 3, upper: true, task_count: 6, grid: {blocks % (3, 3, 1)}}}"
        groups = f"{{edge: 4, upper: true, task_count: 3, grid: {blocks % (4, 4, 2)}}}"
        square = "[[0, 0], [10, 0], [10, 10], [0, 10]]"
        stages = "[{name: 'tree', tasks_done: 5, tasks_total: 5}, {name: 'tree', tasks_done: %d, tasks_total: 9}]"
        drawn = f"module.drawStages(document.createElement('ol'), {stages % 1})"
        queue = ("Array.from({length: 150}, (_, i) => ({job_id: i + 1, state: i === 2 ? 'running' : i < 20 ? 'done' : "
                 "'queued'}))")
        local = "(() => { const list = new module.LocalRows([{r: null, id: 1}, {r: 0.2, id: 2}, {r: 0.4, id: 3}], {sort: '%s'}); "
        local += "list.load(); return list.rows.map((row) => row.id).join(); })()"
        for module, call, answer in [
            ("filters", f"parse('max_correlation < 0.3', {columns})", "max_correlation:lt:0.3"),
            ("filters", f"parse('Max>=0.3', {columns})", "max_correlation:ge:0.3"),
            ("filters", f"parse('A000017', {columns})", "alpha_id:eq:A000017"),
            ("filters", f"parse('max_correlation < high', {columns})", None),
                ("filters", f"parse('nothing = 1', {columns})", None),
            ("scatter", f"inside(5, 5, {square})", True), ("scatter", f"inside(15, 5, {square})", False),
            ("format", "r(-0.0004)", "0.000"), ("format", "r(-0.25)", "\u22120.250"), ("format", "r(null)", "\u2013"),
            ("format", "duration(3725)", "1 h 02 min"), ("format", "duration(59.7)", "1 min 00 s"),
            ("format", "bytes(1536)", "1.5 KiB"), ("format", "short(1234567)", "1.23\u2009M"), ("format", "fixed(NaN)", "\u2013"),
            ("format", "ahead('2025-03-02T09:30:00', new Date('2025-03-01T12:00:00').getTime()).when.slice(0, 9)", "tomorrow,"),
            ("view-schedules", "inWords('30 22 * * 1-5')", "22:30, Monday to Friday"),
            ("view-schedules", "inWords('@hourly')", "Every hour"), ("view-schedules", "inWords('*/5 9-17 * * *')", None),
            ("tilemap", f"taskAt({triangle}, 1, 2)", 4), ("tilemap", f"taskAt({triangle}, 2, 1)", None),
            ("tilemap", f"taskAt({groups}, 3, 3)", 2), ("tilemap", f"taskAt({groups}, 0, 3)", 1),
            ("tilemap", "taskAt({edge: 2, upper: false, task_count: 3, cells: 'qqq.'}, 1, 0)", 2),
            ("tilemap", "taskAt({edge: 2, upper: false, task_count: 3, cells: 'qqq.'}, 1, 1)", None),
            ("view-job", f"drawStages({drawn}, {stages % 2}).innerText.match(/\\d of \\d/g).join()", "5 of 5,2 of 9"),
            ("api", "query({a: 'x y', b: [1, 2], c: ''})", "?a=x%20y&b=1&b=2"),
            ("live", f"kept({queue}).map((job) => job.job_id).filter((id) => id < 25).join()", "24,23,22,21,3"),
            ("live", f"foremost(module.kept({queue})).slice(0, 2).map((job) => job.job_id).join()", "3,150"),
        ]:
            found = self.browser.run(f"import('/assets/{module}.js').then((module) => module.{call})")
            if found != answer:
                raise Failure(f"{call} of {module}.js is {found!r}: expected {answer!r}")
        for sort, answer in [("r", "2,3,1"), ("-r", "3,2,1")]:
            found = self.browser.run(f"import('/assets/source.js').then((module) => {local % sort})")
            if found != answer:
                raise Failure(f"rows sorted by {sort} are {found}: expected {answer}, what is missing last")
        # What is no percent encoding names nothing, and is said to.
        self.browser.expected = ["status of 404"]
        self.go("/regions/USA/alphas/100%")
        self.browser.wait("document.querySelector('[role=alert]')?.textContent.includes('Not there')")
        self.browser.expected = []
        self.go("/")

    def start_a_job(self):
        browser = self.browser
        # The page may ask for the tiles of a job that has just ended.
        browser.expected = ["status of 409"]
        self.go("/jobs/new", "New job")
        browser.click("input[value=correlation] ~ b")
        browser.run("document.querySelector('[name=region]').value = 'USA'")
        browser.click("details summary")
        browser.run("document.querySelector('details .check input').click()")
        browser.click("button[type=submit]")
        browser.wait("/^#\\/jobs\\/\\d+$/.test(location.hash)", what="the page of the new job")
        if self.cluster:
            browser.wait("document.querySelector('.head .badge')?.textContent === 'done'", 90, "the job to be done")
            browser.wait_text("correlation_usa")
            self.go("/", "Overview")
            browser.wait("[...document.querySelectorAll('.jobs .badge')].every((e) => e.textContent === 'done')")
        browser.expected = []

    def filter_and_export(self):
        browser = self.browser
        self.go("/regions/USA/summary", "USA")
        browser.wait(f"document.querySelectorAll('{ROW}').length > 5")
        everything = self.rows()
        browser.click("main input[type=search]")
        browser.type("max_correlation < 0.6")
        browser.key("Enter")
        browser.wait(f"document.querySelector('.chip') && {self.count} < {everything}", what="fewer rows")
        kept = self.rows()
        browser.run("[...document.querySelectorAll('button')].find((e) => e.textContent === 'CSV').click()")
        with open(browser.downloaded(".csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        if len(rows) != kept or any(float(row["max_correlation"]) >= 0.6 for row in rows):
            raise Failure(f"the CSV has {len(rows)} rows, the page {kept}, or some do not pass the filter")
        browser.click(f"{ROW} td.id a")
        browser.wait("document.querySelectorAll('.sparse tbody tr').length > 2", what="the neighbours of an alpha")
        browser.wait("document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= 2", 30, "the curve of its PnL")
        browser.wait("!document.querySelector('pre') || document.querySelectorAll('pre .code-operator').length > 0")
        browser.run("[...document.querySelectorAll('button')].find((e) => e.textContent === 'PNG').click()")
        with open(browser.downloaded(".png"), "rb") as file:
            head = file.read(24)
        if head[:8] != b"\x89PNG\r\n\x1a\n" or min(struct.unpack(">II", head[16:24])) < 300:
            raise Failure("what was saved is no picture")

    def walk_by_keyboard(self):
        browser = self.browser
        self.go("/", "Overview")
        browser.key("?")
        browser.wait("!!document.querySelector('dialog[open]')", what="the list of shortcuts")
        browser.key("Escape")
        browser.wait("!document.querySelector('dialog')")
        browser.key("g")
        browser.key("w")
        browser.wait("location.hash === '#/workers'", what="g w to go to the workers")
        self.first_alpha()
        browser.run("document.body.focus(); document.activeElement.blur()")
        places = []
        for _ in range(60):
            browser.key("Tab")
            places.append(browser.run(
                "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
                " return [e.className || e.tagName, s.outlineStyle !== 'none' || e === document.body]; })()"))
            if places[-1][0] == "vscroll":
                break
        hidden = [name for name, is_seen in places if not is_seen]
        if places[-1][0] != "vscroll" or hidden:
            raise Failure(f"the keyboard gets to {[name for name, _ in places]}, without a mark on {hidden}")
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            browser.key(key)
        browser.wait("location.hash.includes('/alphas/')", what="Enter to open a row")
        browser.wait("!!document.querySelector('h1 .mono-head')")

    def look_at_every_page(self):
        browser = self.browser
        alpha = self.first_alpha()
        for look, theme, (width, height, is_phone) in LOOKS:
            browser.theme(theme, reduced=True)
            browser.size(width, height, is_phone, 2 if is_phone else 1)
            for name, path, heading in PAGES:
                path = path or f"/regions/USA/alphas/{alpha}"
                if name in OPTIONAL and not browser.run(f"!!document.querySelector('.nav [href=\"#{path}\"]')"):
                    continue
                self.go(path, heading or alpha)
                browser.wait("!document.querySelector('main [aria-busy]')", 30, f"{name} to be whole")
                time.sleep(0.35)
                browser.picture(os.path.join(self.arguments.out, f"{name}-{look}.png"), whole=True)
                self.pictures += 1
                self.complain(broken(browser), f"{name}, {look}")
        browser.theme("light")
        browser.size(1280, 800)

    def look_at_odd_regions(self):
        """Tables of what is computed on the page, and a region of which most alphas have no PnL."""
        browser = self.browser
        self.go("/regions/USA/usage", "USA")
        browser.wait("document.querySelectorAll('.vtable tr[data-index]').length > 2", what="the operators")
        share = "document.querySelector('.vtable tr[data-index=\"0\"] td:last-child').textContent"
        most = browser.run(share)
        # The largest first, and the other way round by a second click.
        for sign in (1, 2):
            browser.run("[...document.querySelectorAll('.sort')].find((e) => e.textContent === 'Share').click()")
        if browser.run(share) == most:
            raise Failure(f"the table of operators begins with {most} whichever way it is sorted by their share")
        browser.run(
            "(() => { window.asIs = window.fetch; window.later = window.asked = 0; window.fetch = async (path, ...more) => {"
            " const answer = await window.asIs(path, ...more);"
            " if (path.includes('/results/features?')) { window.asked += 1; await new Promise((go) => setTimeout(go, 300)); }"
            " if (path !== '/v1/regions') return answer; const said = await answer.json(); said.regions.forEach((one) => {"
            " one.alphas.submitted = 9000; one.results.forEach((result) => { result.job_id += window.later; }); });"
            " return new Response(JSON.stringify(said)); }; })()")
        choose = ("(() => { const e = document.querySelector('[name=colour]'); e.value = '%s';"
                  " e.dispatchEvent(new Event('change')); })()")
        legend = "[...document.querySelectorAll('h2.minor')].map((e) => e.textContent).join()"
        # What was fetched of a job is not shown as that of a later one.
        for later, asked in [(0, 1), (0, 1), (1, 2)]:
            browser.run(f"window.later = {later}")
            self.go("/jobs", "Jobs")
            self.go("/regions/USA/map", "USA")
            browser.wait("!!document.querySelector('[name=colour]')")
            browser.run(choose % "features:sharpe")
            browser.wait(f"{legend} === 'Sharpe'")
            if browser.run("window.asked") != asked:
                raise Failure(f"the values of a feature were asked for {browser.run('window.asked')} times: expected {asked}")
        # What comes late does not take the place of what was chosen meanwhile.
        browser.run(choose % "features:volatility")
        browser.run(choose % "label:hdbscan")
        time.sleep(1)
        if browser.run(legend) != "Clusters of hdbscan":
            raise Failure(f"clusters are chosen, and the map shows {browser.run(legend)}")
        # The matrix is smaller than the number of the alphas says.
        self.go("/regions/USA/heatmap", "USA")
        browser.wait("/^(\\d+) by \\1 of \\1 alphas/.test(document.querySelector('.filters [role=status]')?.textContent)",
                     what="the whole matrix of the alphas with PnL")
        browser.run("(() => { window.fetch = window.asIs; })()")

    def stay_quick(self):
        """The limits are generous, since machines of tests are slow; the figures are printed."""
        if not self.cluster:
            return
        browser, rows = self.browser, f"document.querySelectorAll('{ROW} td.id a').length"
        browser.open("about:blank")
        begun = time.time()
        browser.open(self.cluster.url + "/#/regions/EUR/summary")
        browser.wait(f"{rows} > 5")
        first = (time.time() - begun) * 1000
        shown = self.rows()
        if shown < self.arguments.large:
            raise Failure(f"the table has {shown} rows of {self.arguments.large}")
        browser.run("(() => { performance.clearResourceTimings();"
                    " [...document.querySelectorAll('button')].find((e) => e.textContent === 'CSV').click(); })()")
        with open(browser.downloaded("correlation-EUR.csv"), newline="") as file:
            saved = sum(1 for _ in csv.DictReader(file))
        asked = browser.run("performance.getEntriesByType('resource').filter((e) => e.name.includes('format=csv')).length")
        if saved != shown or asked != 1:
            raise Failure(f"of {shown} rows {saved} were saved, by {asked} requests, between which others may be published")
        sort = self.clock("[...document.querySelectorAll('.sort')][2].click()",
                          "document.querySelector('th[aria-sort]')?.textContent.includes('Min')"
                          " && !document.querySelector('[aria-busy]')")
        scroll = max(self.frame(f"document.querySelector('.vscroll').scrollTop = {top}") for top in (4_000, 90_000, 300_000, 0))
        self.go("/regions/EUR/map", "EUR")
        browser.wait("!!document.querySelector('.scatter canvas')")
        time.sleep(0.5)
        box = browser.run("(() => { const r = document.querySelector('.scatter canvas').getBoundingClientRect();"
                          " return [r.x, r.y, r.width, r.height]; })()")
        browser.run("[...document.querySelectorAll('.segments button')].find((e) => e.textContent === 'Lasso').click()")
        x, y, width, height = box
        corners = [(.4, .4), (.6, .4), (.6, .6), (.4, .6), (.4, .45)]
        begun = time.time()
        browser.drag([(x + width * a, y + height * b) for a, b in corners])
        lasso = (time.time() - begun) * 1000 / len(corners)
        browser.wait("document.querySelectorAll('.vtable tr[data-index]').length > 3", what="the selected alphas")
        self.figures = {"first": first, "sort": sort, "scroll": scroll, "lasso": lasso, "alphas": self.arguments.large}
        if first > 10_000 or max(sort, scroll, lasso) > 2_000:
            raise Failure(f"the page is slow: {self.figures}")

    def sign_out(self):
        browser = self.browser
        browser.expected = ["status of 401"]
        browser.click("[aria-label='Sign out']")
        browser.wait_text("Sign in to AlphaGrid")
        if self.cluster and browser.run("fetch('/v1/status').then((answer) => answer.status)") != 401:
            raise Failure("the session goes on after signing out")
        browser.run("0")

    # Pieces

    count = "Number((document.querySelector('.filters .tools [role=status]')?.textContent || '').replace(/\\D/g, '') || 0)"

    def rows(self):
        return self.browser.run(self.count)

    def complain(self, found, where):
        self.browser.errors += [f"{where}: {text}" for text in found]

    def clock(self, action, condition):
        """Milliseconds from an action to what it leads to."""
        return self.browser.run(
            f"new Promise((done) => {{ const t = performance.now(); {action};"
            f" const look = () => ({condition}) ? done(performance.now() - t) : requestAnimationFrame(look);"
            " requestAnimationFrame(look); })")

    def frame(self, action):
        """Milliseconds until the frame that shows an action is painted."""
        return self.browser.run(
            f"new Promise((done) => {{ const t = performance.now(); {action};"
            " requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - t))); })")
