{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['number'], 'unique': true}, {'columns': ['frn']}, {'columns': ['name_key']}]) }}
-- One row per filing in force, with everything that can be said of it alone.
with read as (
    select f.*,
           {{ said('f.business_name') }} as said_name,
           {{ said('f.contact_name') }} is not null as has_contact_name,
           {{ said('f.contact_phone') }} is not null as has_contact_phone,
           {{ said('f.contact_address') }} is not null as has_contact_address,
           -- numbers that lost their leading zeros still protect whoever they mean
           array(select lpad(m[1], 10, '0') from regexp_matches(f.other_frns_text, '(?<!\d)(\d{7,10})(?!\d)', 'g') m)
               || f.other_frns as affiliate_frns
    from {{ ref('stg_fcc_rmd__filings') }} f
),
-- a copy whose contacts were left out says nothing about contacts
with_contacts as (
    select snapshot_id, avg(has_contact_name::int) >= 0.5 and avg(has_contact_phone::int) >= 0.5
                        and avg(has_contact_address::int) >= 0.5 as has_contacts
    from read group by snapshot_id
)
select r.snapshot_id, r.as_of, r.layout, r.number, r.frn, r.said_name as business_name,
       case when r.said_name is null then '' else r.name_key end as name_key,
       r.other_names, r.other_name_keys, r.affiliate_frns, r.other_frns_text, r.country, r.is_foreign,
       r.is_foreign is false and coalesce({{ is_american('r.country') }}, false) as is_domestic,
       r.implementation, r.implementation_text, r.is_voice, r.is_gateway, r.is_intermediate,
       r.last_updated_on, r.last_recertified_on, r.filing_url, n.first_seen_on,
       r.said_name is null as is_name_blank,
       not (r.is_voice or r.is_gateway or r.is_intermediate) as is_role_none,
       r.implementation is null as is_implementation_blank,
       r.last_updated_on is null as is_last_updated_blank,
       w.has_contacts and not (r.has_contact_name and r.has_contact_phone and r.has_contact_address)
           as is_contact_incomplete,
       array_remove(array[
           case when not r.has_contact_name then 'name' end,
           case when not r.has_contact_phone then 'telephone number' end,
           case when not r.has_contact_address then 'business address' end], null) as contact_lacks,
       -- RMD0012068 is the highest number that had a blank date in January 2025: filings of 2021 never touched since
       case when r.as_of <= date '2024-02-26' then false
            when r.last_recertified_on is not null then false
            when r.last_updated_on is null then r.number <= 'RMD0012068'
            else r.last_updated_on < date '2024-01-01' end as is_never_updated,
       r.last_updated_on is null and r.last_recertified_on is null and r.number > 'RMD0012068' as is_update_unclear,
       y.year as judged_year, y.opens_on, y.due_on_et,
       coalesce(y.can_judge and r.layout = '2026' and r.as_of > y.late_after_on_et, false) as can_judge_recertification,
       c.recertified_on,
       -- before: existed before the window opened; new: made since; unclear: it cannot be told
       case when r.last_updated_on < y.opens_on or r.last_recertified_on < y.opens_on or n.first_seen_on < y.opens_on
                 or (r.last_updated_on is null and r.number <= 'RMD0012068') then 'before'
            when r.number > y.highest_number_before then 'new'
            else 'unclear' end as made
from read r
join with_contacts w using (snapshot_id)
left join {{ ref('int_rmd_numbers') }} n on n.number = r.number
left join {{ ref('int_rmd_year') }} y on true
left join {{ ref('int_rmd_recertified') }} c on c.number = r.number
