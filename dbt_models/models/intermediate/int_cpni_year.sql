-- One row: the year whose CPNI certification can be judged on the day asked about, and whether a missing one is a
-- fact: both copies it would stand on were taken after the last day for it and hold filings of its first days or before, and the names of
-- the copies in force have been matched.
with absence as (
    select * from {{ ref('int_absence') }} where source = 'fcc_cpni'
),
newest as (
    select max(as_of) as as_of from {{ ref('stg_snapshots') }} where source = 'fcc_cpni' and is_in_force
),
judged as (
    select d.year, d.due_on_et, d.late_after_on_et
    from {{ ref('stg_due_dates') }} d, newest n
    where d.duty = 'cpni' and d.late_after_on_et < n.as_of
    order by d.year desc limit 1
)
select n.as_of, j.year, j.due_on_et, j.late_after_on_et, a.needed, a.seen, a.since_on, a.until_on, a.snapshot_ids,
       (select coalesce(bool_and(s.snapshot_id = any(r.snapshot_ids)), false)
        from {{ ref('stg_snapshots') }} s
        cross join (select snapshot_ids from {{ source('pw', 'match_runs') }} order by matched_at desc, id desc limit 1) r
        where s.is_in_force and s.source in ('fcc_cpni', 'fcc_form499', 'fcc_rmd')) as is_matched,
       coalesce(a.is_proven and a.since_on > j.late_after_on_et and not exists (
           select from unnest(a.snapshot_ids) as one(snapshot_id)
           where not exists (
               select from {{ source('core', 'fcc_cpni_filings') }} f
               where f.snapshot_id = one.snapshot_id and f.received_on_et < make_date(j.year, 1, 16))
       ), false) as is_absence_proven
from newest n
left join judged j on true
left join absence a on true
