"""Stand-ins of the payment providers: they make sessions as the real ones do and send signed webhooks, again and again
until they get the answer that ends it."""
