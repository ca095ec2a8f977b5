"""What the firm sells and what it costs. Prices are data (catalogue.yaml); no public record, no web, no Dagster."""
