"""A tenant's webhooks: endpoints, events told, deliveries."""
