using System.ComponentModel.DataAnnotations;

namespace Mlops.Sdk.Monitoring;

/// <summary>When a feature counts as drifted. A change must be large (effect) and unlikely to be chance (significance), so that neither small windows nor huge ones cry wolf.</summary>
public sealed class DriftOptions
{
    /// <summary>Gets or sets the population stability index from which a significant change is worth watching.</summary>
    /// <value>Nats, above 0 and below <see cref="Alert"/>. The default is 0.1.</value>
    [Range(0.001, 10)]
    public double Watch { get; set; } = 0.1;

    /// <summary>Gets or sets the population stability index from which a significant change is drift.</summary>
    /// <value>Nats, above <see cref="Watch"/>. The default is 0.25.</value>
    [Range(0.001, 10)]
    public double Alert { get; set; } = 0.25;

    /// <summary>Gets or sets how far the share of missing, infinite or unseen values must move, up or down, to be worth watching.</summary>
    /// <value>A difference of shares, above 0 and below <see cref="ShareAlert"/>. The default is 0.05: five points.</value>
    [Range(0.0001, 1)]
    public double ShareWatch { get; set; } = 0.05;

    /// <summary>Gets or sets how far the share of missing, infinite or unseen values must move, up or down, to be drift.</summary>
    /// <value>A difference of shares, above <see cref="ShareWatch"/>. The default is 0.1: ten points.</value>
    [Range(0.0001, 1)]
    public double ShareAlert { get; set; } = 0.1;

    /// <summary>Gets or sets the expected share of false calls among the significant tests of a report (Benjamini–Hochberg over all of them).</summary>
    /// <value>From 0.000001 to 0.5. The default is 0.05.</value>
    [Range(0.000001, 0.5)]
    public double FalseDiscoveryRate { get; set; } = 0.05;

    /// <summary>Gets or sets how many rows a window must have before it is judged.</summary>
    /// <value>From 20 to 1,000,000,000. The default is 200.</value>
    [Range(20, 1_000_000_000)]
    public int MinimumRows { get; set; } = 200;

    /// <summary>Gets or sets the share that an empty bin counts as in the population stability index.</summary>
    /// <value>From 0.00000001 to 0.01. The default is 0.0001.</value>
    [Range(0.00000001, 0.01)]
    public double EmptyShare { get; set; } = 1e-4;

    /// <summary>Gets the features that are reported and never judged, by name, such as the year: what always moves tells nothing.</summary>
    public ICollection<string> Ignored { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>Gets or sets by which rule features are judged that have no method of their own.</summary>
    /// <value>The default is <see cref="DriftSelection.EffectAndSignificance"/>.</value>
    public DriftSelection Selection { get; set; }

    /// <summary>Gets the methods of features that have their own, by name. A test is judged by its p-value adjusted over the report, a distance by its value alone; one that needs raw numbers gives way to the rule where there are bins only.</summary>
    public IDictionary<string, DriftChoice> Choices { get; } = new Dictionary<string, DriftChoice>(StringComparer.Ordinal);

    /// <summary>Gets what is measured of each feature besides what judges it, where it can be.</summary>
    public ICollection<DriftMethod> Measures { get; } = new HashSet<DriftMethod>();

    internal DriftOptions Copy()
    {
        var copy = new DriftOptions
        {
            Watch = Watch,
            Alert = Alert,
            ShareWatch = ShareWatch,
            ShareAlert = ShareAlert,
            FalseDiscoveryRate = FalseDiscoveryRate,
            MinimumRows = MinimumRows,
            EmptyShare = EmptyShare,
            Selection = Selection,
        };
        foreach ((string name, DriftChoice choice) in Choices)
        {
            copy.Choices[name] = new DriftChoice { Method = choice.Method, Threshold = choice.Threshold };
        }

        foreach (DriftMethod method in Measures)
        {
            copy.Measures.Add(method);
        }

        foreach (string name in Ignored)
        {
            copy.Ignored.Add(name);
        }

        return copy;
    }

    /// <summary>Finds what is wrong across the options.</summary>
    /// <returns>The problem for a person, or null.</returns>
    internal string? WhyNot()
    {
        if (!(Watch > 0 && Watch < Alert))
        {
            return FormattableString.Invariant($"Drift:{nameof(Watch)} ({Watch}) must be above 0 and below {nameof(Alert)} ({Alert}).");
        }

        if (!(ShareWatch > 0 && ShareWatch < ShareAlert))
        {
            return FormattableString.Invariant($"Drift:{nameof(ShareWatch)} ({ShareWatch}) must be above 0 and below {nameof(ShareAlert)} ({ShareAlert}).");
        }

        foreach ((string name, DriftChoice choice) in Choices)
        {
            if (!((choice.Threshold ?? choice.Method.DefaultThreshold()) > 0))
            {
                return FormattableString.Invariant($"Drift:{nameof(Choices)}:{name}: {choice.Method} needs a {nameof(DriftChoice.Threshold)} above 0; found {choice.Threshold?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none, and the method has no default"}.");
            }
        }

        return EmptyShare is > 0 and <= 0.01 && FalseDiscoveryRate is > 0 and <= 0.5 && MinimumRows >= 20
            ? null
            : FormattableString.Invariant($"Drift: {nameof(EmptyShare)} ({EmptyShare}) must be in (0, 0.01], {nameof(FalseDiscoveryRate)} ({FalseDiscoveryRate}) in (0, 0.5], {nameof(MinimumRows)} ({MinimumRows}) at least 20.");
    }

    internal void Check()
    {
        if (WhyNot() is { } problem)
        {
            throw new MlopsException("monitoring.invalid_option", problem);
        }
    }
}
