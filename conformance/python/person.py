"""A person at a browser without scripts: logs in and decides wherever that is asked, until a redirect leaves the server."""

from urllib.parse import urljoin, urlsplit

import requests

from phone import form

MOST_PAGES = 20


class Person:
    def __init__(self, username, password):
        self.typed = {"username": username, "password": password}

    def approve(self, url):
        return self.walk(url, "consent-approve")

    def deny(self, url):
        return self.walk(url, "consent-deny")

    def walk(self, url, decision):
        home = urlsplit(url)[:2]
        session = requests.Session()
        page = session.get(url, allow_redirects=False, timeout=20)
        for _ in range(MOST_PAGES):
            location = page.headers.get("location")
            if location is not None:
                url = urljoin(page.url, location)
                if urlsplit(url)[:2] != home:
                    return url
                page = session.get(url, allow_redirects=False, timeout=20)
                continue
            found = form(page, "login-submit") or form(page, decision)
            if found is None:
                main = page.text.split("<main")[-1]
                raise AssertionError(f"no known form at {page.url} ({page.status_code}): {main[:3000]}")
            fields = {name: self.typed.get(name, value) for name, value in found["fields"].items()}
            headers = {"origin": "{0.scheme}://{0.netloc}".format(urlsplit(page.url))}
            target = urljoin(page.url, found["action"])
            page = session.post(target, data=fields, headers=headers, allow_redirects=False, timeout=20)
        raise AssertionError(f"no answer after {MOST_PAGES} pages, the last was {page.url}")
