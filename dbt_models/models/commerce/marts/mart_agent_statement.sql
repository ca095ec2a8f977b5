-- What each agent earned in a month and what became of it. Amounts taken back after they were paid are negative.
select l.agent_id, a.referral_code, a.name as contact_name, {{ month_of('l.earned_at') }} as month,
       count(distinct l.order_id) filter (where l.kind = 'earned') as orders,
       coalesce(sum(l.amount) filter (where l.kind = 'earned'), 0) as earned,
       coalesce(sum(case when l.kind = 'reversal' then l.amount else -l.amount end)
                filter (where l.kind = 'reversal' or l.state = 'reversed'), 0) as taken_back,
       coalesce(sum(l.amount) filter (where l.state = 'pending'), 0) as pending,
       coalesce(sum(l.amount) filter (where l.state = 'payable'), 0) as payable,
       coalesce(sum(l.amount) filter (where l.state = 'paid'), 0) as paid
from {{ source('books', 'commission_ledger') }} l
join {{ source('books', 'sales_agents') }} a using (agent_id)
group by 1, 2, 3, 4
