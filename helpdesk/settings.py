"""The portal's settings, all from the environment (docs/settings.md lists them)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from helpdesk import secret_key, signing
from helpdesk.env import Env, all_or_none

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "data")))

# --- where it stands ---------------------------------------------------------------------------

DEBUG = env.flag("DEBUG")
BASE_URL = env.url("BASE_URL")
PORT = env.number("PORT", 8000, least=1, most=65535)
HTTPS = BASE_URL.startswith("https://")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]"]
if BASE_URL and urlsplit(BASE_URL).hostname not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(str(urlsplit(BASE_URL).hostname))
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
ADMIN_PATH = env.text("ADMIN_PATH", "admin").strip("/")
if not ADMIN_PATH or not all(part.isidentifier() or part.replace("-", "").isalnum() for part in ADMIN_PATH.split("/")):
    raise ImproperlyConfigured(f"ADMIN_PATH={ADMIN_PATH!r} may hold letters, digits, - and _ only")
PORTAL_NAME = env.text("PORTAL_NAME", "Mail Helpdesk")
ACCENT = env.colour("ACCENT")
SUPPORT_URL = env.url("SUPPORT_URL", schemes=("http", "https", "mailto"))
SECURITY_CONTACT = env.url("SECURITY_CONTACT", schemes=("https", "mailto"))
SECRET_KEY = env.text("SECRET_KEY") or secret_key.kept_in(DATA_DIR)
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
    raise ImproperlyConfigured("SECRET_KEY is too short; take at least 50 random characters")

# --- what it is made of ------------------------------------------------------------------------

INSTALLED_APPS = [
    "helpdesk.apps.SiteConfig",
    "helpdesk.apps.StaffConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "reversion",
    "guides",
]

MIDDLEWARE = [
    "guides.taken_form.take_test_form",  # before anything that can fail: it holds a password
    "helpdesk.logs.numbered",
    "helpdesk.operations.metrics.counted",
    "helpdesk.proxies.trusted_proxy",
    "helpdesk.middleware.security_headers",
    "helpdesk.client_hosts.client_hosts",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "helpdesk.middleware.StaffSessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "guides.views.url_addresses.addresses_out_of_urls",
    "helpdesk.middleware.same_origin_posts",
    "django.middleware.csrf.CsrfViewMiddleware",
    "helpdesk.middleware.StaffAccounts",
    "django_otp.middleware.OTPMiddleware",  # `request.user.is_verified()`, where there is a user
    "helpdesk.middleware.StaffMessages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "helpdesk.middleware.DatabaseOutage",
]

ROOT_URLCONF = "helpdesk.urls"
WSGI_APPLICATION = "helpdesk.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "guides.views.context.portal",
            ]
        },
    }
]

# --- data --------------------------------------------------------------------------------------

# Pages are bounded; `manage.py migrate` and the like are not, since they may have to wait and to work for minutes.
DATABASE_POOL_SIZE = env.number("DATABASE_POOL_SIZE", 10, least=1, most=1000)
_POOL_SIZE = DATABASE_POOL_SIZE if env.flag("DATABASE_LIMITS") else 0
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "portal.sqlite3", _POOL_SIZE)}
CACHES = {
    "default": env.cache("CACHE_URL"),
    # Pages and lists of the library, in each process for itself: kept under the library version, so no process shows an
    # old one; with a Redis that is down pages go on; and strangers' query strings push no counter out of "default".
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "OPTIONS": {"MAX_ENTRIES": 500},  # pages are some 5 KB, compressed
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- staff -------------------------------------------------------------------------------------

SESSION_COOKIE_AGE = 12 * 3600  # from the sign-in; a changed password ends an account's other sessions at once
STAFF_TWO_FACTOR = env.flag("STAFF_TWO_FACTOR")
OTP_TOTP_ISSUER = PORTAL_NAME
OTP_ADMIN_HIDE_SENSITIVE_DATA = True  # who may see accounts must not see their keys
LOGIN_URL = LOGIN_REDIRECT_URL = f"/{ADMIN_PATH}/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Single sign-on (mozilla-django-oidc): helpdesk/single_sign_on.py
OIDC_ISSUER = env.text("OIDC_ISSUER")
OIDC_RP_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET")
OIDC_OP_AUTHORIZATION_ENDPOINT = env.url("OIDC_AUTHORIZATION_URL")
OIDC_OP_TOKEN_ENDPOINT = env.url("OIDC_TOKEN_URL")
OIDC_OP_USER_ENDPOINT = env.url("OIDC_USERINFO_URL")
OIDC_OP_JWKS_ENDPOINT = env.url("OIDC_JWKS_URL")
OIDC_RP_SIGN_ALGO = env.text("OIDC_SIGN_ALGORITHM", "RS256")
OIDC_CREATE_USER = False
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 4  # seconds, for each of three requests to the provider
LOGIN_REDIRECT_URL_FAILURE = f"/{ADMIN_PATH}/login/"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if all_or_none(
    OIDC_ISSUER=OIDC_ISSUER,
    OIDC_CLIENT_ID=OIDC_RP_CLIENT_ID,
    OIDC_CLIENT_SECRET=OIDC_RP_CLIENT_SECRET,
    OIDC_AUTHORIZATION_URL=OIDC_OP_AUTHORIZATION_ENDPOINT,
    OIDC_TOKEN_URL=OIDC_OP_TOKEN_ENDPOINT,
    OIDC_USERINFO_URL=OIDC_OP_USER_ENDPOINT,
    OIDC_JWKS_URL=OIDC_OP_JWKS_ENDPOINT,
):
    AUTHENTICATION_BACKENDS.append("helpdesk.single_sign_on.StaffBackend")

# --- languages ---------------------------------------------------------------------------------

LANGUAGES = [("ja", "日本語"), ("en", "English"), ("ru", "Русский")]
LANGUAGE_CODE = env.text("DEFAULT_LANGUAGE", "en")
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(f"DEFAULT_LANGUAGE={LANGUAGE_CODE!r} is none of: ja, en, ru")
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files ------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 31_536_000

# --- security headers and cookies (SECURITY.md) --------------------------------------------------

SECURE_CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "manifest-src": "'self'",
}
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$", r"^tls-names$"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL else []
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_100_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_100_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000  # the admin's page of a provider has a row of fields for each domain
DEFAULT_EXCEPTION_REPORTER_FILTER = "helpdesk.error_report_filter.AlwaysCarefulFilter"
SECURE_PROXY_SSL_HEADER = None  # gunicorn takes the scheme from trusted proxies only (helpdesk/gunicorn.py)

# --- outbound network access -------------------------------------------------------------------

EHLO_NAME = env.text("EHLO_NAME") or (urlsplit(BASE_URL).hostname if BASE_URL else "") or "localhost.localdomain"
DNS_SERVERS = env.servers("DNS_SERVERS", default_port=53)
EXTRA_CA_FILE = env.file("EXTRA_CA_FILE")
ALLOWED_NETWORKS = env.networks("ALLOWED_NETWORKS")
ALLOWED_PORTS = env.ports("ALLOWED_PORTS")
ALLOWED_SUFFIXES = frozenset(suffix.strip(".").lower() for suffix in env.items("ALLOWED_SUFFIXES"))

# --- what mail clients fetch by themselves (docs/mail-clients.md) --------------------------------

SERVE_KNOWN_DOMAINS = env.flag("SERVE_KNOWN_DOMAINS", True)
PROFILE_SIGNING_CERT = env.text("PROFILE_SIGNING_CERT")
PROFILE_SIGNER = signing.signer(PROFILE_SIGNING_CERT, env.text("PROFILE_SIGNING_KEY"))

# --- rate limits: (count, seconds) -------------------------------------------------------------

LIMIT_VISITOR_HOUR = env.number("LIMIT_VISITOR_HOUR", 10, least=1)
LIMIT_VISITOR_DAY = env.number("LIMIT_VISITOR_DAY", 30, least=1)
LIMIT_VISITOR_LOOKUPS_HOUR = env.number("LIMIT_VISITOR_LOOKUPS_HOUR", 60, least=1)
LIMIT_VISITOR_AT_ONCE = env.number("LIMIT_VISITOR_AT_ONCE", 2, least=1)
LIMIT_ACCOUNT_10_MINUTES = env.number("LIMIT_ACCOUNT_10_MINUTES", 2, least=1)
LIMIT_ACCOUNT_HOUR = env.number("LIMIT_ACCOUNT_HOUR", 5, least=1)
LIMIT_ACCOUNT_DAY = env.number("LIMIT_ACCOUNT_DAY", 10, least=1)
LIMIT_HOST_10_MINUTES = env.number("LIMIT_HOST_10_MINUTES", 4, least=1)
LIMIT_HOST_EXEMPT = frozenset(host.lower() for host in env.items("LIMIT_HOST_EXEMPT"))
LIMIT_OPERATOR_LOOKS_HOUR = env.number("LIMIT_OPERATOR_LOOKS_HOUR", 30, least=1)
LIMIT_LOOKUPS_PER_PROCESS = env.number("LIMIT_LOOKUPS_PER_PROCESS", 32, least=1)
LIMIT_TESTS_PER_PROCESS = env.number("LIMIT_TESTS_PER_PROCESS", 200, least=1)
LIMIT_PROOF_HOUR = env.number("LIMIT_PROOF_HOUR", 10, least=0)
LIMIT_PROOF_DAY = env.number("LIMIT_PROOF_DAY", 20, least=0)
LIMIT_PROOF_WORK = env.number("LIMIT_PROOF_WORK", 100_000, least=100, most=10_000_000)

# --- what tests of one server share (docs/decisions/0005-shared-probes.md) ------------------------

LIMIT_SHARED_SECONDS = env.number("LIMIT_SHARED_SECONDS", 60, least=0)
LIMIT_ADDRESS_CONNECTIONS = env.number("LIMIT_ADDRESS_CONNECTIONS", 2, least=1)
LIMIT_HOST_CONNECTIONS = env.number("LIMIT_HOST_CONNECTIONS", 4, least=1)
LIMIT_PROCESS_CONNECTIONS = env.number("LIMIT_PROCESS_CONNECTIONS", 600, least=3)
LIMIT_QUEUE_SECONDS = env.number("LIMIT_QUEUE_SECONDS", 5, least=0, most=30)
LIMIT_UNREACHABLE_MINUTE = env.number("LIMIT_UNREACHABLE_MINUTE", 5, least=1)
LIMIT_BREAKER_SECONDS = env.number("LIMIT_BREAKER_SECONDS", 60, least=1)
LIMIT_PORTAL_BLOCKED_SECONDS = env.number("LIMIT_PORTAL_BLOCKED_SECONDS", 1800, least=0)
LIMIT_OUTAGE_VISITORS = env.number("LIMIT_OUTAGE_VISITORS", 3, least=1)
CHECK_DOMAINS = tuple(domain.lower() for domain in env.items("CHECK_DOMAINS"))

# --- watching (docs/operate.md) ------------------------------------------------------------------

METRICS_TOKEN = env.text("METRICS_TOKEN")
if METRICS_TOKEN and len(METRICS_TOKEN) < 20:
    raise ImproperlyConfigured("METRICS_TOKEN is too short; take at least 20 random characters")

# --- logging -----------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "chosen": {
            "()": "helpdesk.logs.formatter",
            "kind": env.one_of("LOG_FORMAT", "line", "json"),
            "line": "%(asctime)s %(levelname)s %(name)s %(request_number)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen"}},
    "root": {"handlers": ["stderr"], "level": env.one_of("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")},
    # Requests of 4xx are visitors' typing errors; the access log has them.
    "loggers": {"django.request": {"level": "ERROR"}}
    | {
        f"django.security.{fault}": {"level": "CRITICAL"}
        for fault in ("DisallowedHost", "RequestDataTooBig", "TooManyFieldsSent", "TooManyFilesSent")
    },
}

SETTING_NAMES = frozenset(env.asked)  # `manage.py doctor` finds misspelt ones
