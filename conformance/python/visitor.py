"""Entry: `python visitor.py URL`: the browser of a reader of docs/how-to, who is alice and says yes. Prints the last page."""

import html
import os
import re
import sys
from urllib.parse import urljoin, urlsplit

import requests

from phone import Forms, Phone, form, held
from world import PASSWORD

ISSUER = os.environ["WRIT__SERVER__ISSUER"]
PERSON = "alice"
MOST_PAGES = 20
FORMS = ["login-submit", "consent-approve"]


def visit(url):
    session = requests.Session()
    page = session.get(url, timeout=20)
    for _ in range(MOST_PAGES):
        found = next((found for found in (form(page, button) for button in FORMS) if found), None) or button_of_others(page)
        if found is None:
            return page
        typed = {"username": PERSON, "password": PASSWORD}
        fields = {name: typed.get(name, value) for name, value in found["fields"].items()}
        headers = {"origin": "{0.scheme}://{0.netloc}".format(urlsplit(page.url))}
        page = session.post(urljoin(page.url, found["action"]), data=fields, headers=headers, timeout=20)
    raise AssertionError(f"no answer after {MOST_PAGES} pages, the last was {page.url}")


def button_of_others(page):
    """Sign in, on a page of the application: its one form."""
    reader = Forms()
    reader.feed(page.text)
    forms = reader.owned()
    if page.url.startswith(ISSUER) or len(forms) != 1:
        return None
    [only] = forms
    return {"action": only["action"] or page.url, "fields": dict(held(only["controls"]))}


def main():
    url = sys.argv[1]
    if url.startswith(f"{ISSUER}/app"):
        page = Phone(ISSUER, PERSON, PASSWORD).decide("approve")
    else:
        page = visit(url)
    text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", page.text, flags=re.DOTALL)
    print(" ".join(html.unescape(text).split()), flush=True)


if __name__ == "__main__":
    main()
