{{ config(materialized='table', post_hook='analyze {{ this }}') }}
-- Copies whose rows may be used on the day asked about. A copy of another day's future, a rejected or a recalled
-- one is as if it had never been. In force: the newest complete copy, and partial ones newer than it (their rows
-- count, their gaps prove nothing); editions of the broadband data are chosen where they are read.
with usable as (
    select s.*,
           case when s.source = 'fcc_bdc' and s.vintage ~ '^[JD]\d\d'
                    then case left(s.vintage, 1) when 'J' then make_date(2000 + substr(s.vintage, 2, 2)::int, 6, 30)
                                                 else make_date(2000 + substr(s.vintage, 2, 2)::int, 12, 31) end
                when s.source = 'fcc_bdc' then null
                when s.source = 'fcc_form499' and s.vintage ~ '^\d{4}-\d\d-\d\d$' then least(s.vintage::date, s.as_of)
                else s.as_of end as edition_on
    from {{ source('pw', 'snapshots') }} s
    join {{ ref('stg_as_of') }} d on s.as_of <= d.as_of
    where s.source <> 'fcc_cores'  -- those of CORES are chosen in the second phase
      and s.grade in ('complete', 'partial')
      and s.recalled_at is null
      and (s.loaded_at is not null or s.pruned_at is not null)
)
select u.snapshot_id, u.source, u.as_of, u.vintage, u.edition_on, u.fetched_at, u.raw_digest,
       -- The same bytes are the same content, and so are the same rows in other bytes. A copy from before rows were
       -- digested has its bytes' digest alone, unless the same bytes were read since.
       coalesce(max(u.facts ->> 'content_digest') over (partition by u.source, u.raw_digest), u.raw_digest) as content,
       u.layout, u.rows, u.grade,
       u.proves_absence, u.facts,
       u.loaded_at is not null as is_loaded,
       u.loaded_at is not null
           and u.source <> 'fcc_bdc'
           and not exists (
               select from usable w
               where w.source = u.source and w.loaded_at is not null and w.grade = 'complete'
                 and (w.as_of, w.fetched_at, w.snapshot_id) > (u.as_of, u.fetched_at, u.snapshot_id)
           ) as is_in_force
from usable u
