using Mlops.Sdk.Data;
using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk.Integration.Worker;

/// <summary>A row.</summary>
public sealed record House(float Area, float Age, string Town, float Price);

/// <summary>An answer.</summary>
public readonly record struct Quote(float Score);

/// <summary>A pipeline that is quick to run and gives another model for another number of trees.</summary>
public sealed class HousePrices(int trees) : PipelineDefinition<House>("houses")
{
    /// <summary>Gets the rows that every process asks about.</summary>
    public static IReadOnlyList<House> Questions { get; } = [.. Enumerable.Range(0, 50).Select(Row)];

    /// <inheritdoc/>
    protected override void Configure(PipelineBuilder<House> p) => p
        .Extract(DataSource.Enumerable("houses", Enumerable.Range(0, 1_000).Select(Row)))
        .Split(test: 0.2)
        .Regression(h => h.Price, t => t.Candidate("trees", new FastTreeOptions { Trees = trees }))
        .Evaluate()
        .Gate(g => g.BeatsBaseline())
        .Register();

    private static House Row(int i)
    {
        float area = 30 + (i * 37 % 170);
        float age = i * 13 % 90;
        string town = (i % 3) switch { 0 => "north", 1 => "south", _ => "west" };
        return new House(area, age, town, (area * 3_000) - (age * 500) + (town == "south" ? 40_000 : 0) + (i * 7919 % 1_000));
    }
}
