"""Which credentials live mode needs, and the refusal to start without one of them."""

from __future__ import annotations

from pw_pipelines.errors import ConfigError
from pw_pipelines.settings import Settings

# setting -> what it is for, as the refusal says it
NEEDED_LIVE: dict[str, str] = {
    "ecfs_api_key": "reading ECFS (an api.data.gov key)",
    "bdc_username": "reading the Broadband Data Collection (FCC registration login)",
    "bdc_hash_value": "reading the Broadband Data Collection (token made under Manage API Access)",
    "listmonk_token": "writing to Listmonk (token of the API user PW_LISTMONK_USER)",
    "telegram_token": "alerts (token of the Telegram bot)",
    "telegram_chat_id": "alerts (chat the bot writes to)",
    "stripe_secret_key": "taking money through Stripe (API key)",
    "stripe_webhook_secret": "believing Stripe's webhooks (secret of the endpoint)",
    "paypal_client_id": "taking money through PayPal (REST app)",
    "paypal_client_secret": "taking money through PayPal (secret of the REST app)",
    "paypal_webhook_id": "believing PayPal's webhooks (id of our webhook)",
    "shkeeper_api_key": "taking crypto through SHKeeper, and believing its callbacks",
    "adyen_api_key": "taking money through Adyen (API key)",
    "adyen_merchant_account": "taking money through Adyen (name of the merchant account)",
    "adyen_hmac_key": "believing Adyen's webhooks (HMAC key of the webhook)",
    "erpnext_api_key": "keeping the books in ERPNext (key of its API user)",
    "erpnext_api_secret": "keeping the books in ERPNext (secret of its API user)",
    "erpnext_webhook_secret": "believing ERPNext's webhooks (their secret)",
    "link_key": "signature links (a secret of 32 bytes or more)",
    "seal_file": "sealing signed PDFs (PKCS#12 file with the firm's certificate)",
    "private_keys": "encrypting personal data (keys as id:base64 of 32 bytes)",
    "smtp_host": "mails to customers (our mail server)",
    "mail_archive": "proving that a mail went out (address that gets a blind copy of each)",
    "mail_archive_dir": "proving that a mail went out (Maildir those copies arrive in)",
    "bounce_address": "knowing which mail a failure report is about (address they come back to, tagged per mail)",
    "bounce_maildir": "reading failure reports and complaints (their Maildir, or all of PW_BOUNCE_IMAP_HOST, _USER and "
    "_PASSWORD)",
    "firm_address": "mails to customers and campaigns (our postal address, which every one names)",
    "journal_url": "letting changes of money and effects leave this machine at once (s3:// or file:/// elsewhere)",
    "backup_recipients": "sealing backups (age public keys; what opens them is not on this machine)",
    "backup_signing_key": "signing backups (Ed25519, 32 bytes in base64)",
    "offsite_host": "keeping backups where a fire does not take them (the off-site machine)",
    "offsite_key_file": "copying backups there (private SSH key of our login)",
    "offsite_host_key": "knowing that machine (its public host key)",
    "staff_password": "the staff pages (password of the user `staff`)",
}

# setting -> those that serve in its place when all are given
INSTEAD: dict[str, tuple[str, ...]] = {
    "bounce_maildir": ("bounce_imap_host", "bounce_imap_user", "bounce_imap_password")
}


def missing_credentials(settings: Settings) -> list[str]:
    """Names of the PW_* variables live mode needs and has not, in a fixed order; empty in the sandbox.

    A blank value counts as missing.
    """
    if settings.is_sandbox:
        return []
    unset = {"firm_address"} - settings.model_fields_set  # it has a default that asks for the real one
    instead = {name: names for name, names in INSTEAD.items() if all(_is_given(settings, each) for each in names)}
    return [
        f"PW_{name.upper()}"
        for name in NEEDED_LIVE
        if name in unset or not (_is_given(settings, name) or name in instead)
    ]


def refuse_incomplete_live(settings: Settings) -> None:
    """Raises ConfigError naming every credential that live mode lacks."""
    if missing := missing_credentials(settings):
        wants = "; ".join(f"{name}: {NEEDED_LIVE[name.removeprefix('PW_').lower()]}" for name in missing)
        raise ConfigError(
            f"PW_MODE=live needs {len(missing)} more credential{'s' if len(missing) > 1 else ''}: {wants}. "
            "Set them in the environment, or start with PW_MODE=sandbox."
        )


def _is_given(settings: Settings, name: str) -> bool:
    return bool(_text(getattr(settings, name)).strip())


def _text(value: object) -> str:
    if value is None:
        return ""
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal() if reveal else value)
