-- Voice service and gateway providers whose filings certify no STIR/SHAKEN at all.
{{ rmd_implementation('has_none and not coalesce(has_partial, false)', 'implementation_text') }}
