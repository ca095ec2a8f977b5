-- One row per rule with a limit (compliance/jumps.yaml, handed over by compliance/marts.py): how many carriers this
-- build would newly accuse, and whether that is held for a person. The first build that can judge by the rule has
-- nothing to compare with. A due date that passed is no excuse: a person looks at the thousands it brings.
{% set limits = fromjson(env_var('PW_DBT_JUMP_LIMITS', '[]')) %}
with limits (code, most, source, sightings) as (
    {% for one in limits -%}
    select '{{ one.code }}'::text, {{ one.most }}::int, '{{ one.source }}'::text, {{ one.sightings }}::int
    {{- ' union all' if not loop.last }}
    {% else -%}
    select null::text, null::int, null::text, null::int where false
    {% endfor -%}
),
builds as (
    select id, snapshot_ids from {{ source('pw', 'mart_builds') }} order by id desc limit 30
),
seen as (  -- in how many copies of different days a build before this one could have missed somebody
    select s.source, count(distinct s.as_of) as sightings
    from builds b
    cross join unnest(b.snapshot_ids) as one(snapshot_id)
    join {{ source('pw', 'snapshots') }} s using (snapshot_id)
    where s.proves_absence or s.recalled_at is not null
    group by b.id, s.source, case when s.source = 'fcc_bdc' then s.vintage end
),
newly as (
    select v.code, count(*)::int as newly
    from {{ ref('int_verdicts_judged') }} v
    left join {{ ref('int_accused') }} a on a.frn = v.frn and a.code = v.code
    where v.verdict = 'finding' and a.frn is null
    group by v.code
),
counted as (
    select l.code, l.most, coalesce(n.newly, 0) as newly,
           not exists (select from seen s where s.source = l.source and s.sightings >= l.sightings) as is_first
    from limits l
    left join newly n on n.code = l.code
)
select code, most, newly, is_first, newly > most and not is_first as is_held
from counted
