"""Money from the payment providers: verified, kept, then worked; never lost, never counted twice.

verify/     raw bytes and headers of one delivery -> verified events, or Forged (pure)
inbox.py    a verified event is stored once, before anything is concluded from it
reading/    a stored event -> what the provider said about which money (pure)
work.py     what was said -> payments, the ledger and the order, in one transaction per event
sessions.py a try to pay an order, begun at a provider
"""
