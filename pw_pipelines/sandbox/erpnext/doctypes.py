"""The types of documents the stand-in knows: their fields, and what is set up in it from the start."""

from __future__ import annotations

from dataclasses import dataclass

CURRENCY_OF_COMPANY = "USD"
COMPANY = "Performance West"
ABBREVIATION = "PW"
PRICE_LIST = "Standard Selling"
ITEMS = ("PW-SERVICE", "PW-FEE", "PW-SURCHARGE")
CUSTOMER_GROUPS = ("Commercial", "Individual")
TERRITORIES = ("United States", "Canada")
_COMMON = frozenset({"name", "owner", "creation", "modified", "docstatus"})


@dataclass(frozen=True)
class Doctype:
    """series: prefix of its names, with the year; None: named otherwise. unique: its unique custom field."""

    name: str
    fields: frozenset[str]
    series: str | None = None
    is_submittable: bool = False
    unique: str | None = None


def _fields(text: str) -> frozenset[str]:
    return _COMMON | frozenset(text.split())


_SALE = (
    "customer customer_name company currency conversion_rate selling_price_list price_list_currency "
    "plc_conversion_rate items total net_total discount_amount apply_discount_on taxes total_taxes_and_charges "
    "grand_total rounded_total disable_rounded_total ignore_pricing_rule po_no status naming_series custom_order_id "
    "payment_schedule"
)
DOCTYPES: dict[str, Doctype] = {
    one.name: one
    for one in (
        Doctype(
            "Customer",
            _fields("customer_name customer_type customer_group territory disabled custom_customer_email"),
            unique="custom_customer_email",
        ),
        Doctype(
            "Sales Order",
            _fields(f"{_SALE} order_type transaction_date delivery_date per_billed billing_status advance_paid"),
            series="SAL-ORD-{year}-",
            is_submittable=True,
            unique="custom_order_id",
        ),
        Doctype(
            "Sales Invoice",
            _fields(f"{_SALE} posting_date set_posting_time due_date debit_to outstanding_amount"),
            series="ACC-SINV-{year}-",
            is_submittable=True,
            unique="custom_order_id",
        ),
        Doctype(
            "Payment Entry",
            _fields(
                "payment_type party_type party company posting_date paid_from paid_to paid_from_account_currency "
                "paid_to_account_currency paid_amount received_amount source_exchange_rate target_exchange_rate "
                "reference_no reference_date references unallocated_amount mode_of_payment status naming_series "
                "custom_payment_ref custom_order_id"
            ),
            series="ACC-PAY-{year}-",
            is_submittable=True,
            unique="custom_payment_ref",
        ),
        Doctype("Custom Field", _fields("dt fieldname fieldtype unique no_copy")),
    )
}


@dataclass
class Behaviour:
    """How this ERPNext is set up, where that makes a difference to a client; changed under `/_sandbox/behaviour`.

    unique_fields       whether the custom fields are unique, as they must be
    old_duplicates      answer a second value with DuplicateEntryError (409) instead of UniqueValidationError (417)
    tax_percent         a tax that the customer's category brings along
    pricing_rule_percent a discount of a pricing rule, unless a document ignores them
    has_bank_account    whether the company has a default account for receipts
    bank_currency       currency of that account
    """

    unique_fields: bool = True
    old_duplicates: bool = False
    tax_percent: float = 0.0
    pricing_rule_percent: float = 0.0
    has_bank_account: bool = True
    bank_currency: str = CURRENCY_OF_COMPANY

    @property
    def duplicate(self) -> str:
        return "DuplicateEntryError" if self.old_duplicates else "UniqueValidationError"
