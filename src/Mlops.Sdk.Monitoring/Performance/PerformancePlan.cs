namespace Mlops.Sdk.Monitoring;

/// <summary>What is measured of a model besides the standard metrics. Immutable.</summary>
public sealed class PerformancePlan
{
    internal PerformancePlan(string model) => Model = model;

    internal PerformancePlan(PerformancePlan other)
    {
        (Model, Segment, Kpis, Metrics) = (other.Model, other.Segment, other.Kpis, other.Metrics);
        (Answers, Rate) = (other.Answers, other.Rate);
    }

    /// <summary>Gets the model's name.</summary>
    public string Model { get; }

    internal string? Segment { get; init; }

    internal IReadOnlyList<Kpi> Kpis { get; init; } = [];

    internal IReadOnlyList<IPerformanceMetric> Metrics { get; init; } = [];

    internal (double Least, double Most)? Answers { get; init; }

    internal (double Least, double Most)? Rate { get; init; }
}

/// <summary>What the business counts.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">What an answer was worth, of the answer and its truth.</param>
/// <param name="Unit">Its unit, or null.</param>
internal sealed record Kpi(string Name, Func<double, double, double> Value, string? Unit);

/// <summary>Builds a <see cref="PerformancePlan"/> step by step. Not thread-safe; the plan is.</summary>
public sealed class PerformancePlanBuilder
{
    private PerformancePlan _plan;

    /// <summary>Begins a plan.</summary>
    /// <param name="model">The model's name.</param>
    public PerformancePlanBuilder(string model)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        _plan = new PerformancePlan(model);
    }

    /// <summary>Measures each value of a text input on its own, too: the value is kept with each prediction that has an id.</summary>
    /// <param name="input">The input's name, such as <c>country</c>. Few values (up to some hundreds) make sense; values are cut after 64 characters.</param>
    /// <returns>This builder.</returns>
    public PerformancePlanBuilder SegmentBy(string input)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(input);
        _plan = new PerformancePlan(_plan) { Segment = input };
        return this;
    }

    /// <summary>Counts what answers were worth once their truth came: a signal <c>kpi.NAME</c> per version and day, and a gauge.</summary>
    /// <param name="name">The name: lower case, digits and underscores, such as <c>saved_eur</c>.</param>
    /// <param name="value">What an answer was worth, of the answer and its truth: 1 and 0 for yes and no, the number of a class, or the predicted number. Finite; anything else counts as 0.</param>
    /// <param name="unit">The unit, such as <c>EUR</c>; null for none.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException">The name breaks the rule or is taken.</exception>
    public PerformancePlanBuilder Kpi(string name, Func<double, double, double> value, string? unit = null)
    {
        ArgumentNullException.ThrowIfNull(value);
        RequireName(name, _plan.Kpis.Any(k => k.Name == name));
        _plan = new PerformancePlan(_plan) { Kpis = [.. _plan.Kpis, new Kpi(name, value, unit)] };
        return this;
    }

    /// <summary>Measures a metric of one's own wherever the standard ones are measured.</summary>
    /// <param name="metric">The metric.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException">Its name breaks the rule or is taken.</exception>
    public PerformancePlanBuilder Metric(IPerformanceMetric metric)
    {
        ArgumentNullException.ThrowIfNull(metric);
        RequireName(metric.Name, _plan.Metrics.Any(m => m.Name == metric.Name));
        _plan = new PerformancePlan(_plan) { Metrics = [.. _plan.Metrics, metric] };
        return this;
    }

    /// <summary>Says within which bounds answers are expected: the predicted number, or the probability of yes. Answers outside, or not finite, are counted: <c>output.out_of_range_share</c>.</summary>
    /// <param name="least">The smallest.</param>
    /// <param name="most">The largest, at least the smallest.</param>
    /// <returns>This builder.</returns>
    public PerformancePlanBuilder Expect(double least, double most)
    {
        Require(least, most);
        _plan = new PerformancePlan(_plan) { Answers = (least, most) };
        return this;
    }

    /// <summary>Says which share of answers is expected to be yes; it stands beside <c>output.positive_share</c>, whose distance from it is <c>output.rate_outside</c>.</summary>
    /// <param name="least">The smallest share, in [0, 1].</param>
    /// <param name="most">The largest share, at least the smallest and at most 1.</param>
    /// <returns>This builder.</returns>
    public PerformancePlanBuilder ExpectRate(double least, double most)
    {
        Require(least, most);
        ArgumentOutOfRangeException.ThrowIfNegative(least);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, 1);
        _plan = new PerformancePlan(_plan) { Rate = (least, most) };
        return this;
    }

    /// <summary>Makes the plan.</summary>
    /// <returns>A plan that later calls on this builder do not change.</returns>
    public PerformancePlan Build() => _plan;

    private static void Require(double least, double most)
    {
        if (!(least <= most))
        {
            throw new ArgumentOutOfRangeException(nameof(most), most, $"The largest is at least the smallest, {least}.");
        }
    }

    private static void RequireName(string name, bool taken)
    {
        if (taken || name is not { Length: >= 1 and <= 64 } || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
        {
            throw new ArgumentException($"A name is 1 to 64 of a-z, 0-9 and '_' and is given once; found '{name}'.", nameof(name));
        }
    }
}
