namespace Mlops.Sdk.Samples.DriftingHost;

/// <summary>A parcel on its way, and how it went once that is known.</summary>
public sealed record Delivery(string Id, DateTime Sent, float DistanceKm, float? WeightKg, string Carrier, string Weather, bool Late);

/// <summary>What is known when the question is asked. Its members are the model's input columns.</summary>
public sealed record Question(float DistanceKm, float? WeightKg, string Carrier, string Weather);

/// <summary>The answer: how likely the parcel comes late.</summary>
public readonly record struct Risk(float Probability, bool Late);
