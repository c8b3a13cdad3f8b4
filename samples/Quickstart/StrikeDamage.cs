using Mlops.Sdk.Data;
using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk.Samples.Quickstart;

/// <summary>A strike as reported. Members are matched with the file's columns by letters and digits: "Speed IAS in knots" is SpeedIasInKnots.</summary>
internal sealed record Strike(
    string? AirportName,
    string? AircraftMakeModel,
    string? EffectAmountOfDamage,
    DateOnly FlightDate,
    string? AircraftAirlineOperator,
    string? OriginState,
    string? PhaseOfFlight,
    string? WildlifeSize,
    string? WildlifeSpecies,
    string? TimeOfDay,
    decimal? CostOther,
    decimal? CostRepair,
    decimal? CostTotal,
    float? SpeedIasInKnots);

/// <summary>The answer.</summary>
internal readonly record struct Risk(float Probability, bool Damage);

#region pipeline
/// <summary>Predicts whether a strike did damage, from the reports of some years.</summary>
internal sealed class StrikeDamage(IDataSource<Strike> reports) : PipelineDefinition<Strike>("strike-damage")
{
    protected override void Configure(PipelineBuilder<Strike> p) => p
        .Goal("tell damaging strikes from harmless ones before anybody has looked", g => g.AtLeast("auc", 0.65))
        .Extract(reports)
        .Validate(v => v
            .NotNull(s => s.WildlifeSize)
            .Between(s => s.SpeedIasInKnots, 0, 350)
            .OneOf(s => s.EffectAmountOfDamage, "None", "Minor", "Medium", "Substantial"))
        .SplitByTime(s => s.FlightDate, test: 0.25)
        .Binary(s => s.EffectAmountOfDamage != "None", name: "Damage", training: t => t
            .DatePart(s => s.FlightDate, DatePart.Month)
            .Candidate("linear", new LinearOptions())
            .Candidate("trees", new FastTreeOptions { Leaves = 8, LearningRate = 0.05 })
            .Candidate("boosting", new LightGbmOptions { Leaves = 8, LearningRate = 0.05 }))
        .Evaluate(s => s.WildlifeSize, s => s.PhaseOfFlight)
        .Gate(g => g.BeatsBaseline(margin: 0.05).NotWorseThanChampion(margin: 0.05))
        .Register();
}
#endregion
