-- Every movement of money, with its order and month.
select l.entry_id, l.event_id, l.kind, l.amount, l.currency, l.at, {{ month_of('l.at') }} as month, p.order_id,
       p.provider, p.method
from {{ source('books', 'money_ledger') }} l
join {{ source('books', 'payments') }} p using (payment_id)
