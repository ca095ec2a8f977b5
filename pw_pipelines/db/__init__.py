"""Tables, migrations and connections. Knows SQL; knows no rule of the trade."""
