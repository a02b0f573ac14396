"""What Django says of itself."""

from __future__ import annotations

from calzion.causes.rule import BUILDING, RUNNING, rule

_TURN_OFF = "set DISABLE_COLLECTSTATIC: \"1\" under 'env:' of {service} to leave collectstatic out"

RULES = (
    rule(
        r"without having set the STATIC_ROOT setting",
        "collectstatic has nowhere to go: settings.py has no STATIC_ROOT",
        "write STATIC_ROOT = BASE_DIR / 'staticfiles' into settings.py; or " + _TURN_OFF,
    ),
    rule(
        r"CommandError: The file '(?P<name>[^'\n]+)' could not be found with <[\w.]*StaticFilesStorage",
        "collectstatic finds no file {name}, which a style sheet names",
        "commit it or take the reference out; or " + _TURN_OFF,
    ),
    rule(
        r"ValueError: Missing staticfiles manifest entry for '(?P<name>[^'\n]+)'",
        "the file {name} was not collected",
        "let the build run collectstatic (leave DISABLE_COLLECTSTATIC away), and commit the file",
        phases=RUNNING,
    ),
    rule(
        r"DisallowedHost|Invalid HTTP_HOST header: '(?P<host>[^'\n]+)'",
        "Django refuses the host name that it is asked by",
        "add it to ALLOWED_HOSTS in settings.py; health checks ask for 'localhost'",
        phases=RUNNING,
    ),
    rule(
        r"SystemCheckError: System check identified (?:some|\d+) issues?:[\s\S]{0,200}?ERRORS:\n(?P<first>.+)",
        "Django's own check fails: {first}",
        "'python manage.py check' shows the same where the app is developed",
    ),
    rule(
        r"CommandError: You must set settings\.ALLOWED_HOSTS if DEBUG is False",
        "settings.py has no ALLOWED_HOSTS",
        "list the host names of the app there",
    ),
    rule(
        r"AppRegistryNotReady: |RuntimeError: Model class \S+ doesn't declare an explicit app_label",
        "models are imported before Django is ready, or their app is not in INSTALLED_APPS",
        "list the app in INSTALLED_APPS, and import models inside functions where settings are read",
        raised=True,
    ),
    rule(
        r"ImproperlyConfigured: Requested setting \w+, but settings are not configured",
        "Django does not know its settings",
        "set DJANGO_SETTINGS_MODULE under 'env:' of {service}",
        raised=True,
    ),
    rule(
        r"^collectstatic failed\b",
        "collectstatic failed",
        "'python manage.py collectstatic' shows the same where the app is developed; " + _TURN_OFF,
        phases=BUILDING,
    ),
)
