"""A WSGI application (PEP 3333) that greets."""


def app(_environ, start_response):
    body = b"Hello from Python\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
