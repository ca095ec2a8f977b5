"""Environment -> one typed settings object. Read once at a door (CLI, web, Dagster), handed inwards.

Every setting is an environment variable `PW_<NAME>`; docs/reference/settings.md lists them. A secret's repr is masked,
and it may stand in a file (settings_secrets.py).
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pw_pipelines.clock import Clock
from pw_pipelines.settings_fulfillment import sandbox_update
from pw_pipelines.settings_running import RunningSettings, sandbox_running_update
from pw_pipelines.settings_secrets import SecretFiles

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Mode(StrEnum):
    """Whether the outside world is invented (loopback stand-ins) or real."""

    SANDBOX = "sandbox"
    LIVE = "live"


class Settings(RunningSettings):
    """All settings, with units in their names."""

    model_config = SettingsConfigDict(env_prefix="PW_", extra="ignore", frozen=True)

    mode: Mode = Mode.SANDBOX
    home: Path = Field(default=PROJECT_ROOT / ".pw", description="Everything the project keeps on disk.")
    bind_host: str = Field(default="127.0.0.1", description="Address the web servers listen on.")
    web_port: int = Field(default=8800, description="First port tried for the web app.")
    dagster_port: int = Field(default=3000, description="First port tried for Dagster's UI, behind its login.")
    sandbox_port: int = Field(default=8900, description="First port tried for the stand-ins.")

    database_url: SecretStr | None = Field(
        default=None, description="postgresql:// URL of the warehouse database; unset: embedded PostgreSQL."
    )
    dagster_database_url: SecretStr | None = Field(
        default=None, description="postgresql:// URL of Dagster's own database; unset: `dagster` on the same server."
    )
    embedded_durable: bool = Field(
        default=True, description="Whether the embedded PostgreSQL survives a power cut; false is quicker."
    )
    objects_url: str | None = Field(
        default=None, description="Where raw bytes are kept: file:///… or s3://bucket/prefix; unset: PW_HOME/objects."
    )

    sandbox_url: str = Field(default="http://127.0.0.1:8900", description="Base URL of the running stand-ins.")
    sandbox_database_url: SecretStr | None = Field(
        default=None, description="Where stateful stand-ins (Listmonk) keep their tables; set by `pw up`."
    )
    sandbox_sftp_port: int = Field(default=8950, description="Port of Florida's stand-in file server (SFTP).")
    sandbox_smtp_port: int = Field(default=8925, description="Port of the stand-in mail server (SMTP).")
    sandbox_seed: int = Field(default=20260101, description="Seed of the invented world.")
    sandbox_companies: float = Field(
        default=1.0,
        gt=0,
        description="Size of the invented registers: 1 is 380,000 companies, 150,000 of them Florida's.",
    )
    public_url: str = Field(default="http://127.0.0.1:8800", description="Base URL customers reach the web app by.")
    dagster_url: str = Field(default="http://127.0.0.1:3000", description="Base URL of Dagster's UI, for links.")

    user_agent: str = Field(
        default="PerformanceWest-pw_pipelines/0.1 (+https://performancewest.net; compliance@performancewest.net)",
        description="How we say who we are to every public source.",
    )
    http_timeout_seconds: float = 60.0
    http_attempts: int = Field(default=5, description="Tries of one request to a public source before giving up.")
    rmd_url: str = "https://fccprod.servicenowservices.com"
    form499_url: str = "https://apps.fcc.gov/cgb/form499"
    ecfs_url: str = "https://publicapi.fcc.gov/ecfs"
    ecfs_api_key: SecretStr | None = Field(default=None, description="api.data.gov key for ECFS.")
    bdc_url: str = "https://broadbandmap.fcc.gov"
    bdc_username: str | None = Field(default=None, description="FCC registration login for the BDC public data API.")
    bdc_hash_value: SecretStr | None = Field(default=None, description="Token made under Manage API Access.")
    cores_url: str = "https://apps.fcc.gov/cores"
    register_floor_share: float = Field(
        default=1.0, ge=0, description="Share of a company register's least size that a copy must reach."
    )
    cores_requests_per_second: float = Field(default=4.0, description="No limit is published; 4/s is considerate.")
    cores_daily_cap: int = Field(default=5_000, description="Most CORES pages read in one day.")
    ecfs_requests_per_second: float = Field(default=0.25, description="api.data.gov allows 1,000 an hour per key.")
    bdc_requests_per_minute: float = Field(default=10.0, description="Limit in the BDC API specification.")

    sunbiz_host: str = Field(default="sftp.floridados.gov", description="Florida's file server.")
    sunbiz_port: int = 22
    sunbiz_user: str = Field(default="Public", description="The login Florida publishes on its data download page.")
    sunbiz_password: SecretStr = Field(
        default=SecretStr("PubAccess1845!"), description="Its password, published on the same page."
    )
    sunbiz_host_key: str | None = Field(
        default=None,
        description="Florida's host key as `SHA256:…`; unset: the key of the first meeting is kept in PW_HOME/keys.",
    )
    socrata_url: str | None = Field(
        default=None, description="Base address in front of every Socrata site's name; unset: https://."
    )
    socrata_app_token: SecretStr | None = Field(
        default=None, description="Optional: requests without one share a throttled pool."
    )
    socrata_page_rows: int = Field(default=50_000, ge=1, le=50_000, description="Rows asked for at once.")
    socrata_requests_per_second: float = Field(default=1.0, description="No limit is published.")
    iowa_hub_url: str = "https://idh-be.iowa.gov"

    listmonk_url: str = "http://127.0.0.1:9000"
    listmonk_user: str = "pw"
    listmonk_token: SecretStr | None = None
    listmonk_list_id: int = Field(default=9, description="The list that leads are put on.")
    warmup_per_day: int = Field(default=200, description="Most new recipients a day; no official figure exists.")
    warmup_provider_share_pct: int = Field(default=50, description="Most of a day's quota one mail provider may take.")
    lead_oldest_days: int = Field(
        default=45, description="Older evidence is not written about; slower sources have limits of their own."
    )

    payouts_file: Path | None = Field(
        default=None,
        description="YAML file, mode 0600, with the bank that pays commissions and the agents' accounts; unset: none "
        "is paid and everybody due is named.",
    )

    telegram_url: str = "https://api.telegram.org"
    telegram_token: SecretStr | None = None
    telegram_chat_id: str | None = None

    stripe_url: str = "https://api.stripe.com"
    stripe_secret_key: SecretStr | None = Field(default=None, description="Stripe's API key, sk_…")
    stripe_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of Stripe's webhook endpoint, whsec_…; two with a comma while it is rolled."
    )
    stripe_live: bool = Field(default=True, description="Whether Stripe's events must be of live mode.")
    paypal_url: str = "https://api-m.paypal.com"
    paypal_client_id: str | None = None
    paypal_client_secret: SecretStr | None = None
    paypal_webhook_id: str | None = Field(default=None, description="Id of our webhook in PayPal's dashboard.")
    paypal_surcharge_percent: Decimal | None = Field(
        default=None, ge=0, le=100, description="What PayPal costs the customer; unset: PayPal is not offered."
    )
    paypal_merchant_id: str | None = Field(
        default=None, description="Our PayPal merchant id; when set, money paid to another is held."
    )
    paypal_postback: bool = Field(
        default=False, description="Ask PayPal to verify a webhook when its certificate cannot be had."
    )
    paypal_certs_from: str | None = Field(
        default=None, description="Base address in place of https://host of PayPal's certificates; for stand-ins."
    )
    paypal_root_file: Path | None = Field(
        default=None, description="PEM file of roots that PayPal's certificates may lead to; unset: the usual ones."
    )
    shkeeper_url: str = "http://127.0.0.1:5000"
    shkeeper_api_key: SecretStr | None = Field(default=None, description="SHKeeper's API key (2.5.16 or newer).")
    shkeeper_short_percent: Decimal = Field(
        default=Decimal(0), ge=0, le=10, description="How far below the total a crypto payment called PAID may stay."
    )
    adyen_url: str = "https://checkout-test.adyen.com"
    adyen_api_key: SecretStr | None = None
    adyen_merchant_account: str | None = None
    adyen_hmac_key: SecretStr | None = Field(
        default=None, description="HMAC key of Adyen's webhook, in hex; two with a comma while it is changed."
    )
    adyen_live: bool = Field(default=True, description="Whether Adyen's events must be of the live platform.")
    adyen_manual_capture: str = Field(
        default="klarna", description="Ways to pay whose money Adyen takes only when told, with commas; `all`: all."
    )

    erpnext_url: str = "http://127.0.0.1:8080"
    erpnext_api_key: str | None = Field(default=None, description="API key of the user our books are kept as.")
    erpnext_api_secret: SecretStr | None = None
    erpnext_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret of ERPNext's webhooks; two with a comma while it is changed."
    )
    erpnext_company: str = Field(default="Performance West", description="The company the books are of.")
    erpnext_price_list: str = "Standard Selling"
    erpnext_customer_group: str = "Commercial"
    erpnext_territory: str = "United States"
    erpnext_items: dict[str, str] = Field(
        default={"service": "PW-SERVICE", "fee": "PW-FEE", "surcharge": "PW-SURCHARGE"},
        description="Items that lines of a bill are booked on, as JSON: service, fee (passed through), surcharge.",
    )
    erpnext_bank_accounts: dict[str, str] = Field(
        default={}, description="Accounts that receive money by currency, as JSON; unset: the company's default."
    )

    retention_runs_days: int = Field(default=90, ge=1, description="Days a finished run and its events are kept.")
    retention_logs_days: int = Field(default=30, ge=1, description="Days the captured output of a run is kept.")
    retention_alerts_days: int = Field(default=365, ge=30, description="Days a delivered alert is kept.")
    retry_delay_seconds: float = Field(
        default=60.0, ge=0, description="Wait before a source that could not be reached is asked again; doubles."
    )

    sales_email: str = Field(
        default="compliance@performancewest.net", description="Where customers write to order, shown at checkout."
    )
    sales_phone: str | None = Field(default=None, description="Number customers may call; unset: none is shown.")
    staff_password: SecretStr | None = Field(
        default=None, description="Password of the staff pages (user `staff`); required in live mode."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Code before files before the environment; a file and a variable that differ are refused."""
        return init_settings, SecretFiles(settings_cls), env_settings

    @property
    def is_sandbox(self) -> bool:
        return self.mode is Mode.SANDBOX

    @property
    def clock(self) -> Clock:
        """The clock everything in this process must ask."""
        return Clock(self.home / "sandbox" / "clock.json" if self.is_sandbox else None)

    @property
    def dagster_api(self) -> str:
        """Where our own programs ask Dagster: behind the door that people log in at."""
        return self.dagster_api_url or self.dagster_url

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Settings of this process. In the sandbox every outside address points at the stand-ins."""
    settings = Settings()
    if settings.is_sandbox:
        settings = with_sandbox_addresses(settings)
    return settings


def with_sandbox_addresses(settings: Settings) -> Settings:
    """`settings` with each outside system replaced by its stand-in, and limits that loopback can bear."""
    base = settings.sandbox_url.rstrip("/")
    return settings.model_copy(
        update={
            "rmd_url": f"{base}/rmd",
            "form499_url": f"{base}/form499",
            "ecfs_url": f"{base}/ecfs",
            "ecfs_api_key": SecretStr("SANDBOX_KEY"),
            "bdc_url": f"{base}/bdc",
            "bdc_username": "sandbox",
            "bdc_hash_value": SecretStr("sandbox-hash"),
            "cores_url": f"{base}/cores",
            "register_floor_share": 0.001,  # the invented registers are small
            "cores_requests_per_second": 1_000.0,
            "ecfs_requests_per_second": 1_000.0,
            "bdc_requests_per_minute": 60_000.0,
            "sunbiz_host": "127.0.0.1",
            "sunbiz_port": settings.sandbox_sftp_port,
            "socrata_url": f"{base}/socrata/",
            "socrata_requests_per_second": 1_000.0,
            "iowa_hub_url": f"{base}/iowa_hub",
            "listmonk_url": f"{base}/listmonk",
            "listmonk_user": "pw",
            "listmonk_token": SecretStr("sandbox-token"),
            "stripe_url": f"{base}/stripe",
            "stripe_secret_key": SecretStr("sk_test_sandbox"),
            "stripe_webhook_secret": SecretStr("whsec_sandbox"),
            "stripe_live": False,
            "paypal_url": f"{base}/paypal",
            "paypal_client_id": "sandbox",
            "paypal_client_secret": SecretStr("sandbox"),
            "paypal_webhook_id": "WH-SANDBOX",
            "paypal_merchant_id": "SANDBOXMERCHANT",
            "paypal_surcharge_percent": Decimal(0)
            if settings.paypal_surcharge_percent is None
            else settings.paypal_surcharge_percent,
            "paypal_certs_from": f"{base}/paypal",
            "paypal_root_file": settings.home / "sandbox" / "paypal" / "root.pem",
            "shkeeper_url": f"{base}/shkeeper",
            "shkeeper_api_key": SecretStr("sandbox-shkeeper-key"),
            "adyen_url": f"{base}/adyen",
            "adyen_api_key": SecretStr("sandbox-adyen-key"),
            "adyen_merchant_account": "SandboxMerchant",
            "adyen_hmac_key": SecretStr("5A" * 32),
            "adyen_live": False,
            "telegram_url": f"{base}/telegram",
            "telegram_token": SecretStr("1:sandbox"),
            "telegram_chat_id": "1000",
            "erpnext_url": f"{base}/erpnext",
            "erpnext_api_key": "sandbox",
            "erpnext_api_secret": SecretStr("sandbox-secret"),
            "erpnext_webhook_secret": SecretStr("sandbox-webhook-secret"),
            **sandbox_update(base, settings.home, settings.sandbox_smtp_port),
            **sandbox_running_update(base, settings.home, settings),
        }
    )
