-- Carriers whose first filing of the judged year came after the last day for it, in Eastern time. A filing of the
-- year after is that year's, and an earlier one under a similar name, or of an affiliate, may have been theirs. Only a
-- filing under the very name, and one that no other FRN has, is called theirs: two firms may differ in the legal form alone.
select f.frn,
       case when not (y.is_absence_proven and y.is_matched) or m.first_method <> 'exact' or m.first_is_shared
                 or m.near_id is not null and m.first_similar_on <= y.late_after_on_et
            then 'held' else 'finding' end as verdict,
       case when not (y.is_absence_proven and y.is_matched) then 'That no earlier filing exists was seen in ' || coalesce(y.seen, 0) || ' of the ' || coalesce(y.needed, 2) || ' whole copies of the docket that an absence needs.'
            when m.first_method <> 'exact' then 'The filing is linked by ' || m.first_method || ' only; its own may stand under another name.'
            when m.first_is_shared then 'The filing is under a name that several FRNs have; it may be the other''s.'
            when m.near_method = 'affiliate' and m.first_similar_on <= y.late_after_on_et
            then 'A filing in time of “' || m.near_name || '”, of the same group, may speak for it.'
            when m.near_id is not null and m.first_similar_on <= y.late_after_on_et
            then 'A filing in time under a similar name, “' || m.near_name || '”, may be theirs.' end as why,
       y.due_on_et,
       {{ evidence({
           'Filing in docket 06-36': 'm.first_id',
           'Filed under': 'm.first_name',
           'Received, Eastern time': 'm.first_received_on',
           'Last day for it': 'y.due_on_et',
           'Name matched by': 'm.first_method'}) }} as evidence,
       {{ ids(['f.snapshot_ids', 'm.snapshot_ids', 'y.snapshot_ids']) }} as snapshot_ids
from {{ ref('int_form499_carriers') }} f
join {{ ref('int_cpni_matches') }} m on m.frn = f.frn and m.has_match
join {{ ref('int_cpni_year') }} y on true
left join {{ ref('int_rmd_filers') }} r on r.frn = f.frn
where f.is_active
  and f.active_types && {{ cpni_types() }}
  and not coalesce(r.is_abroad, false)
  and f.started_on < make_date(y.year, 1, 1)
  and (f.started_on > date '1997-01-01' or f.first_filer_id <= '831188')  -- 1997-01-01 is the database's filler
  and m.first_received_on > y.late_after_on_et
  and m.first_received_on < make_date(y.year + 1, 1, 1)
