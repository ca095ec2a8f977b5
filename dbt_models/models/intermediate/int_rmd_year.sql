-- One row: the recertification year that the copy in force can be judged by, if any, and what tells a filing of
-- before its window from a new one. The window opens on 1 February (DA 26-72).
with copy as (
    select snapshot_id, as_of, layout
    from {{ ref('stg_snapshots') }}
    where source = 'fcc_rmd' and is_in_force
    order by grade = 'complete' desc, as_of desc, fetched_at desc
    limit 1
),
judged as (
    select c.*, d.year, make_date(d.year, 2, 1) as opens_on, d.due_on_et, d.late_after_on_et
    from copy c
    left join lateral (
        select * from {{ ref('stg_due_dates') }} d
        where d.duty = 'rmd_recertification' and d.late_after_on_et < c.as_of
        order by d.year desc limit 1
    ) d on true
)
select j.*,
       -- The 22-column layout has no such column; a copy in which nobody recertified is not believed either.
       j.year is not null
           and j.layout = '2026'
           and exists (
               select from {{ ref('stg_fcc_rmd__filings') }} f
               where f.snapshot_id = j.snapshot_id and f.last_recertified_on >= j.opens_on
           ) as can_judge,
       least(
           -- every number above the highest of a whole copy of 31 January or later was given after it
           (select min(highest) from (
               select max(p.number) as highest
               from {{ ref('stg_fcc_rmd__presence') }} p
               where p.proves_absence and p.as_of >= j.opens_on - 1
               group by p.snapshot_id) as later),
           -- RMD0037337 is a first filing of 27 February 2026, as the export of August 2026 shows
           case when j.year = 2026 then 'RMD0037336' end
       ) as highest_number_before
from judged j
