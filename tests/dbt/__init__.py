"""Every rule of the table, judged on carriers that trip it and on carriers just outside it."""
