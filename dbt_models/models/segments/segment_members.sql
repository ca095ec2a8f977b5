{{ config(post_hook='analyze {{ this }}', indexes=[{'columns': ['segment', 'frn'], 'unique': true}, {'columns': ['frn']}]) }}
-- Which lead belongs to which segment: one row per segment and FRN. A lead belongs if every criterion given holds.
with leads as (
    select l.*, c.is_bdc_provider from {{ ref('deficiency_leads') }} l join {{ ref('carriers') }} c using (frn)
)
select s.segment, l.frn
from {{ source('pw', 'segments') }} s
join leads l on
    (not s.sure_only or cardinality(l.sure_codes) > 0)
    and (cardinality(s.codes_any) = 0 or s.codes_any && case when s.sure_only then l.sure_codes else l.codes end)
    and s.codes_all <@ case when s.sure_only then l.sure_codes else l.codes end
    and coalesce(cardinality(case when s.sure_only then l.sure_codes else l.codes end) >= s.min_codes, true)
    and (cardinality(s.severities) = 0 or l.top_severity = any(s.severities))
    and coalesce(l.severity_rank <= s.min_severity_rank, true)
    and (cardinality(s.comm_types) = 0 or l.comm_type = any(s.comm_types))
    and (cardinality(s.states) = 0 or l.hq_state = any(s.states))
    and (s.requires_bdc is null or l.is_bdc_provider = s.requires_bdc)
