"""The web app with its payment inbox is the payments room's; orders here are paid through it."""

from tests.payments.conftest import open_till, paypal_folder, till, till_settings

__all__ = ["open_till", "paypal_folder", "till", "till_settings"]
