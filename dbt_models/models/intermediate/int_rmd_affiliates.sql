{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['affiliate_frn']}, {'columns': ['frn']}]) }}
-- One row per filing in force and FRN it names as an affiliate.
select distinct a.affiliate_frn, f.number, f.frn, f.recertified_on
from {{ ref('int_rmd_filings') }} f
cross join unnest(f.affiliate_frns) as a(affiliate_frn)
where a.affiliate_frn is distinct from f.frn and a.affiliate_frn ~ '^\d{10}$' and a.affiliate_frn <> '0000000000'
