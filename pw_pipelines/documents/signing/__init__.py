"""Electronic signatures: one-use links, the act of signing, stamping and sealing, and the chain that proves it.

Nothing here knows stages or pages: fulfillment/stages/signature.py asks for signatures, portal/sign_page.py takes them.
"""
