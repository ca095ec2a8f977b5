-- One row: the yearly 499-A cycle the copy in force can be judged by. The database moves on some time after a filing;
-- 60 days after the due date is our margin, not a rule. Counted on the date the source gives its own data.
with copy as (
    select snapshot_id, edition_on
    from {{ ref('stg_snapshots') }}
    where source = 'fcc_form499' and is_in_force
    order by grade = 'complete' desc, as_of desc, fetched_at desc
    limit 1
)
select c.snapshot_id, c.edition_on, d.year, d.nominal_on, d.due_on_et
from copy c
left join lateral (
    select * from {{ ref('stg_due_dates') }} d
    where d.duty = 'form499a' and d.due_on_et + 60 <= c.edition_on
    order by d.year desc limit 1
) d on true
