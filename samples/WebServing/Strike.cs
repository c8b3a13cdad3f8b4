namespace Mlops.Sdk.Samples.WebServing;

/// <summary>What a caller knows about a strike. Its members are the model's input columns; what is left out counts as missing.</summary>
public sealed record Strike(
    string? AirportName,
    string? AircraftMakeModel,
    DateOnly? FlightDate,
    string? AircraftAirlineOperator,
    string? OriginState,
    string? PhaseOfFlight,
    string? WildlifeSize,
    string? WildlifeSpecies,
    string? TimeOfDay,
    float? SpeedIasInKnots);

/// <summary>The answer: how likely the strike did damage.</summary>
public sealed record Risk(float Probability, bool PredictedLabel);
