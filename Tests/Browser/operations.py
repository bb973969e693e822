"""What operators do with the dashboard: schedules, alerts, webhooks, the audit log, and the story of a task."""
import json
import os
import time

from browser import Failure
from rules import broken


class Operations:
    """Journeys that need a cluster of their own, since they change what is in it."""

    def keep_a_schedule(self):
        browser = self.browser
        # What is wrong with a name is for the coordinator to say.
        browser.expected = ["status of 400"]
        self.go("/schedules", "Schedules")
        browser.click(".head button.primary")
        browser.click("dialog [name=name]")
        browser.type("fresh day")
        browser.key("Enter")
        browser.wait("document.querySelector('dialog .note.bad:not([hidden])')?.textContent.includes('without blanks')")
        self.look("schedule-new")
        self.answer(name="fresh", region="USA", pause="0", priority="3")
        browser.wait_text("When the PnL has changed")
        browser.expected = []
        browser.click(".head button.primary")
        self.answer(name="new-year", region="EUR", when="cron", cron="0 0 1 1 *", zone="Asia/Tokyo", kind="features")
        browser.wait_text("Asia/Tokyo")
        browser.wait("/31 Dec|1 Jan/.test(document.querySelector('main').innerText)", what="the next turn of the year")
        if not self.cluster:
            return
        self.cluster.make_alike("USA")
        row = "document.querySelector('[aria-label=\"Pause fresh\"]').closest('tr')"
        browser.wait(f"!!{row}.querySelector('a[href^=\"#/jobs/\"]')", 30, "the job of the schedule")
        job = browser.run(f"{row}.querySelector('a[href^=\"#/jobs/\"]').hash.slice(1)")
        # The page may ask for the tiles of a job that has just ended.
        browser.expected = ["status of 409"]
        self.go(job, "Correlation")
        browser.wait("document.querySelector('.head .badge')?.textContent === 'done'", 90, "its job to be done")
        browser.expected = []
        self.go("/schedules", "Schedules")
        browser.click("[aria-label='Pause fresh']")
        browser.wait("document.querySelector('[aria-label=\"Resume fresh\"]')?.closest('tr').innerText.includes('paused')")
        browser.run("document.querySelector('[aria-label=\"Resume fresh\"]').focus()")
        browser.key("Enter")
        browser.wait("!!document.querySelector('[aria-label=\"Pause fresh\"]')", what="Enter to resume it")
        browser.click("[aria-label='Remove fresh']")
        browser.click("dialog .danger")
        browser.wait("!document.querySelector('[aria-label=\"Remove fresh\"]')", what="the schedule to go")

    def read_alerts(self):
        browser = self.browser
        self.go("/alerts", "Alerts")
        if self.cluster:
            browser.wait("document.querySelectorAll('[aria-label=Alerts] tbody tr').length > 0", 20, "an alert")
            cells = browser.run("[...document.querySelector('[aria-label=Alerts] tbody tr').cells].map((e) => e.innerText)")
            links = browser.run("[...document.querySelectorAll('[aria-label=Alerts] tbody tr:first-child a')].map((e) => e.hash)")
            if not all(link.startswith("#/regions/USA/alphas/") for link in links[:2]) or "+1.000" not in cells[2]:
                raise Failure(f"the first alert has {cells} and leads to {links}")
            browser.run("document.querySelector('.filters select').value = 'EUR';"
                        " document.querySelector('.filters select').dispatchEvent(new Event('change'))")
            browser.wait_text("No alerts")
            self.go("/alerts?region=USA", "Alerts")
            browser.wait("document.querySelectorAll('[aria-label=Alerts] tbody tr').length > 0")
        browser.expected = ["status of 400"]
        browser.click("[aria-label=Webhooks] header button")
        self.answer(url="https://192.0.2.1/grid", closes=False)
        browser.wait("document.querySelector('dialog .note.bad:not([hidden])')?.textContent.includes('public internet')")
        self.look("webhook-new")
        self.answer(url="https://hooks.example.invalid/grid", threshold="0.9", region="USA")
        browser.expected = []
        secret = browser.wait("document.querySelector('#webhook-secret')?.value")
        self.look("webhook-secret")
        browser.click("dialog .beside button")
        browser.wait_text("Copied")
        browser.key("Escape")
        browser.wait("!document.querySelector('dialog')")
        shown = browser.run("fetch('/v1/webhooks/1').then((answer) => answer.text())")
        if not secret.startswith("agw_") or secret in shown or secret in browser.run("document.documentElement.outerHTML"):
            raise Failure("the secret is not shown just once")
        browser.click("[aria-label^='Test https://hooks.example.invalid']")
        browser.wait("document.querySelector('.hooks td .bad')?.innerText.includes('nobody knows the host')", 40,
                     "the end of a test that cannot arrive")
        browser.run("fetch('/v1/webhooks', {method: 'POST', headers: {'X-AlphaGrid': 'page', 'Content-Type': 'application/json'},"
                    " body: JSON.stringify({url: 'https://other.example.invalid', events: ['job.failed']})})")
        browser.wait("document.querySelectorAll('.hooks > li').length === 2", 10, "the webhook that somebody else has added")
        browser.click("[aria-label='Remove https://other.example.invalid']")
        browser.click("dialog .danger")
        browser.wait("document.querySelectorAll('.hooks > li').length === 1", what="the webhook to go")

    def read_the_audit_log(self):
        browser = self.browser
        self.go("/audit", "Audit log")
        actions = "[...document.querySelectorAll('main tbody tr')].map((e) => e.cells[2].innerText)"
        browser.wait(f"['add schedule', 'remove schedule', 'add webhook'].every((one) => {actions}.includes(one))",
                     what="what was changed a moment ago")
        browser.key("/")
        browser.key("Tab")
        browser.type("add webhook")
        browser.wait(f"{actions}.length > 0 && {actions}.every((one) => one === 'add webhook')", what="that action alone")
        browser.wait("document.querySelector('main tbody').innerText.includes('POST /v1/webhooks')")

    def follow_a_task(self):
        """Workers stand still meanwhile, so that there is time to look."""
        if not self.cluster:
            return
        browser = self.browser
        browser.expected = ["status of 409"]
        with self.cluster.workers_stopped():
            job = browser.run(
                "fetch('/v1/jobs', {method: 'POST', headers: {'X-AlphaGrid': 'page', 'Content-Type': 'application/json'}, body:"
                " JSON.stringify({kind: 'correlation', region: 'USA', block_edge: 16, fresh: true})})"
                ".then((answer) => answer.json()).then((job) => job.job_id)")
            self.go(f"/jobs/{job}", "Correlation")
            browser.wait("document.querySelector('canvas.tiles')?.clientWidth > 100", 20, "the tile map")
            box = browser.run("(() => { const e = document.querySelector('canvas.tiles'); e.scrollIntoView({block: 'center'});"
                              " const r = e.getBoundingClientRect(); return [r.x + 4, r.y + 4]; })()")
            browser.mouse("mousePressed", *box)
            browser.mouse("mouseReleased", *box)
            browser.wait("document.querySelector('[role=status] b')?.textContent === 'Task 0'", what="the first tile's task")
            browser.wait("/leased to|lost with/.test(document.querySelector('.story')?.innerText)", what="its story")
            last = browser.run("Number(document.querySelector('[name=task]').max)")
            browser.run("document.querySelector('[name=task]').select()")
            browser.type(str(last))
            browser.key("Enter")
            browser.wait("document.querySelector('main').innerText.includes('It waits for a worker.')", what="a task that waits")
            for theme, (width, height, is_phone) in (("light", (1360, 850, False)), ("light", (360, 740, True)),
                                                     ("dark", (1360, 850, False))):
                browser.theme(theme, reduced=True)
                browser.size(width, height, is_phone, 2 if is_phone else 1)
                browser.wait("document.querySelector('canvas.tiles')?.clientWidth > 100", what="the tile map")
                browser.run("document.querySelector('[name=task]').value = 0;"
                            " document.querySelector('[name=task]').form.requestSubmit()")
                browser.wait("!!document.querySelector('.story li')", what="its story")
                name = f"task-{'phone' if is_phone else theme}.png"
                browser.picture(os.path.join(self.arguments.out, name), whole=True)
                self.complain(broken(browser), name)
            browser.theme("light")
            browser.size(1280, 800)
        browser.wait("document.querySelector('.head .badge')?.textContent === 'done'", 90, "the job to be done")
        browser.wait("!document.querySelector('.story')?.getClientRects().length", what="the story to go with the tiles")
        browser.expected = []

    def watch_as_viewer(self):
        """Nothing is offered that would be refused, and nothing is asked for that is not theirs to see."""
        if not self.cluster:
            return
        browser = self.browser
        browser.expected = []
        browser.open("about:blank")
        browser.open(self.cluster.link("viewer"))
        browser.wait("document.querySelector('h1')?.textContent === 'Overview'")
        for path, heading in (("/schedules", "Schedules"), ("/alerts", "Alerts")):
            self.go(path, heading)
            browser.wait(f"!!document.querySelector('.nav [href=\"#{path}\"]')", what=f"the link to {path}")
            found = browser.run("[...document.querySelectorAll('main button')].filter((e) => e.getClientRects().length)"
                                ".map((e) => e.textContent)")
            if found or browser.run("!!document.querySelector('[aria-label=Webhooks], .nav [href=\"#/audit\"]')"):
                raise Failure(f"a viewer sees {found or 'what only admins may see'} in {path}")

    # Pieces

    def answer(self, closes=True, **values):
        """Fills in the question that is open, and says yes."""
        browser = self.browser
        for name, value in values.items():
            browser.wait(f"!!document.querySelector('dialog [name={name}]')", what=f"the field {name}")
            browser.run(f"(() => {{ const e = document.querySelector('dialog [name={name}]'); e.value = {json.dumps(value)};"
                        " e.dispatchEvent(new Event('input', {bubbles: true})); })()")
            if browser.run(f"document.querySelector('dialog [name={name}]').disabled"):
                raise Failure(f"the field {name} is not asked for")
        before = browser.run("document.querySelector('dialog h2').textContent")
        browser.click("dialog [type=submit]")
        if closes:
            browser.wait(f"document.querySelector('dialog h2')?.textContent !== {before!r}", what=f"'{before}' to be taken")

    def look(self, name):
        """Pictures of what is there now, judged like the pages."""
        browser = self.browser
        for look, theme, (width, height, is_phone) in self.looks:
            browser.theme(theme, reduced=True)
            browser.size(width, height, is_phone, 2 if is_phone else 1)
            time.sleep(0.3)
            browser.picture(os.path.join(self.arguments.out, f"{name}-{look}.png"))
            self.complain(broken(browser), f"{name}, {look}")
        browser.theme("light")
        browser.size(1280, 800)
        time.sleep(0.2)
