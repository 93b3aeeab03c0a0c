"""Where client metadata documents stand: https on loopback, with a certificate of an authority that only these scenes know."""

import datetime
import ipaddress
import os
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from served import Served
from world import free_port

HOST = "localhost"


class Documents:
    def __init__(self, folder):
        self.origin = f"https://{HOST}:{free_port()}"
        self.published = {}
        self.authority, self.certificate, self.key = certificates(folder)
        app = Starlette(routes=[Route("/{name:path}", self.answer)])
        port = int(self.origin.rsplit(":", 1)[1])
        self.served = Served(app, port, **self.tls())

    async def answer(self, request):
        document = self.published.get(request.url.path)
        return JSONResponse(document, 200 if document else 404)

    def publish(self, path, document):
        url = f"{self.origin}{path}"
        self.published[path] = {"client_id": url, **document}
        return url

    def settings(self):
        """What tells the server to call here for guests, as environment."""
        return {"WRIT__GUESTS__TRUSTED": self.origin, "WRIT__OUTBOUND__CA_FILE": str(self.authority)}

    def tls(self):
        """What uvicorn needs to be another server of this host."""
        return {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key)}

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def trust(self):
        """Lets the libraries of this process trust the authority, each by the variable that it reads."""
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            os.environ[name] = str(self.authority)

    def close(self):
        self.served.close()


def documents_of(family):
    folder = tempfile.TemporaryDirectory(prefix="writ-documents-")
    family.open(folder, folder.cleanup)
    documents = Documents(Path(folder.name))
    return family.open(documents, documents.close)


def certificates(folder):
    """The authority's certificate, one that it issued for `HOST`, and the key of that."""
    now = datetime.datetime.now(datetime.timezone.utc)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Scenes", HOST)]
    paths = []
    for place, (name, authority) in enumerate(zip(names, (True, False), strict=True)):
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(keys[place].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            hosts = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            built = built.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        paths.append(folder / f"certificate-{place}.pem")
        paths[-1].write_bytes(built.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    key = folder / "key.pem"
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(keys[1].private_bytes(*encoding))
    return *paths, key
