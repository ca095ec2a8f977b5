{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- One row per FRN with a filing in force. Where it has several, what every one of them lacks is lacking; the best
-- (recertified, then last updated, then newest) stands for all in evidence.
with best as (
    select distinct on (frn) *
    from {{ ref('int_rmd_filings') }}
    where frn is not null and frn <> '0000000000'
    order by frn, recertified_on is not null desc, last_updated_on desc nulls last, number desc
),
all_of_it as (
    select frn,
           count(*)::int as filings,
           array_agg(number order by number) as numbers,
           array_agg(distinct snapshot_id) as snapshot_ids,
           bool_and(is_name_blank) as is_name_blank,
           bool_and(is_role_none) as is_role_none,
           bool_and(is_implementation_blank) as is_implementation_blank,
           bool_and(is_contact_incomplete) as is_contact_incomplete,
           bool_and(is_never_updated) as is_never_updated,
           bool_and(is_never_updated or is_update_unclear) and bool_or(is_update_unclear) as is_update_unclear,
           bool_or(is_voice) as is_voice,
           bool_or(is_gateway) as is_gateway,
           bool_or(is_intermediate) as is_intermediate,
           bool_or(implementation = 'complete') as has_complete,
           bool_or(implementation = 'partial') as has_partial,
           bool_or(implementation = 'none') as has_none,
           bool_or(is_foreign) as is_foreign,
           bool_or(coalesce(is_foreign, false) or coalesce({{ is_american('country') }}, true) is false) as is_abroad,
           bool_and(is_domestic) as is_domestic,
           bool_and(can_judge_recertification) as can_judge_recertification,
           min(recertified_on) as recertified_on,
           bool_and(made = 'before') as is_made_before,
           bool_or(made = 'new') as is_made_new,
           -- the earliest day on which it is known to have had a filing
           min(case when last_updated_on is null and number <= 'RMD0012068' then date '2021-12-31'
                    else least(first_seen_on, last_updated_on, last_recertified_on) end) as known_since
    from {{ ref('int_rmd_filings') }}
    where frn is not null and frn <> '0000000000'
    group by frn
)
select a.*, b.number, b.business_name, b.name_key, b.country, b.implementation_text, b.last_updated_on,
       b.last_recertified_on, b.filing_url, b.snapshot_id, b.as_of, b.judged_year, b.opens_on, b.due_on_et,
       b.contact_lacks, b.is_voice as best_is_voice, b.is_gateway as best_is_gateway
from all_of_it a
join best b using (frn)
