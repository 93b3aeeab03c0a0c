"""A person who decides on what agents ask, at the pages of `/app`, without scripts: links, forms and cookies alone."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

REQUEST = re.compile(r'href="(/app/requests/[^"/?#]+)"')


class Phone:
    def __init__(self, issuer, username, password):
        self.issuer = issuer
        self.username = username
        self.password = password
        self.session = requests.Session()

    def open(self, path):
        url = urljoin(self.issuer, path)
        page = self.session.get(url)
        if form(page, "login-submit") is None:
            return page
        self.press(page, "login-submit", {"username": self.username})
        return self.session.get(url)

    def press(self, page, button, typed):
        """Fills in the form that has the button, and sends it."""
        found = form(page, button)
        if found is None:
            raise AssertionError(f"no `{button}` at {page.url} ({page.status_code})")
        fields = {**found["fields"], **typed}
        if "password" in found["fields"]:
            fields["password"] = self.password
        headers = {"origin": "{0.scheme}://{0.netloc}".format(urlsplit(page.url))}
        return self.session.post(urljoin(page.url, found["action"]), data=fields, headers=headers)

    def screen(self):
        waiting = sorted(set(REQUEST.findall(self.open("/app").text)))
        assert len(waiting) == 1, f"{len(waiting)} requests wait for {self.username}"
        return self.open(waiting[0])

    def decide(self, decision, screen=None, number=None):
        typed = {} if number is None or decision == "deny" else {"number": f"{number:02}"}
        return self.press(screen or self.screen(), f"approval-{decision}", typed)

    def enter(self, user_code):
        return self.press(self.open("/device"), "device-submit", {"user_code": user_code})


def form(page, button):
    """The form that the button with this id sends: where it goes, and what it holds, each name with all its values."""
    reader = Forms()
    reader.feed(page.text)
    for found in reader.owned():
        for control in found["controls"]:
            if not control["submits"] or control.get("id") != button:
                continue
            fields = {}
            for name, value in held(found["controls"]):
                fields.setdefault(name, []).append(value)
            if control.get("name"):
                fields[control["name"]] = control.get("value", "")
            return {"action": control.get("formaction") or found["action"] or page.url, "fields": fields}
    return None


def held(controls):
    for control in controls:
        left_out = control["submits"] or not control.get("name") or "disabled" in control
        if left_out or (control.get("type") in ("radio", "checkbox") and "checked" not in control):
            continue
        yield control["name"], control.get("value", "")


class Forms(HTMLParser):
    """Reads a page's forms, and its controls wherever they stand."""

    def __init__(self):
        super().__init__()
        self.forms = []
        self.controls = []
        self.around = None

    def owned(self):
        """Each form with its controls: those that name it by `form`, and those inside that name none (HTML 4.10.17.3)."""
        for one in self.forms:
            one["controls"] = [held for held, around in self.controls if self.owner(held, around) is one]
        return self.forms

    def owner(self, control, around):
        if "form" not in control:
            return around
        return next((one for one in self.forms if one["id"] == control["form"]), None)

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.around = {"id": attributes.get("id", ""), "action": attributes.get("action")}
            self.forms.append(self.around)
        elif tag in ("input", "button", "select", "textarea"):
            kind = attributes.get("type", "submit" if tag == "button" else "text")
            self.controls.append(({**attributes, "type": kind, "submits": kind == "submit"}, self.around))

    def handle_endtag(self, tag):
        if tag == "form":
            self.around = None
