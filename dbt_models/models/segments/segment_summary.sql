-- Every segment with its number of leads and how many of them have each code: one row per segment, empty ones too.
with by_code as (
    select m.segment, code, count(*) as leads
    from {{ ref('segment_members') }} m
    join {{ ref('deficiency_leads') }} l using (frn)
    cross join unnest(l.codes) as one(code)
    group by m.segment, code
)
select s.segment, s.title,
       (select count(*)::int from {{ ref('segment_members') }} m where m.segment = s.segment) as leads,
       coalesce((select jsonb_object_agg(b.code, b.leads order by b.leads desc, b.code) from by_code b where b.segment = s.segment), '{}') as by_code,
       d.as_of, s.position
from {{ source('pw', 'segments') }} s
cross join {{ ref('stg_as_of') }} d
