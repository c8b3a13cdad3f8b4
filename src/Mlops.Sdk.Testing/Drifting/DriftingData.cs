using System.Runtime.InteropServices;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Testing;

/// <summary>An endless stream of rows that drifts in known ways: for tests of monitoring, thresholds and alerts. Immutable and thread-safe.</summary>
/// <remarks>
/// Row i of a seed is always the same, whatever was read before, on every machine; and without the drift it is the row that it would have
/// been, in everything that the drift does not touch. So two streams of one seed, with and without a drift, can be compared row by row.
/// The label is yes with the probability 1 / (1 + exp(-(e - 0.5))), e the sum of the effects of all features.
/// </remarks>
public sealed class DriftingData
{
    private const double IncomeSpread = 0.5;
    private readonly InjectedDrift[] _drifts;
    private readonly long _seed;

    /// <summary>Creates a stream.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="drifts">The changes; none for a stable world. Several may overlap.</param>
    /// <exception cref="ArgumentException">A change is not possible, such as a share above 1 or of a feature that is not there.</exception>
    public DriftingData(long seed, params IReadOnlyList<InjectedDrift> drifts)
    {
        ArgumentNullException.ThrowIfNull(drifts);
        _seed = seed;
        _drifts = [.. drifts];
        foreach (InjectedDrift drift in _drifts)
        {
            drift.Check();
        }
    }

    /// <summary>Gets what a binary model of the rows takes and gives: all features, the probability of <see cref="DriftingRow.Bought"/>.</summary>
    public static ModelSchema Schema { get; } = new(
        ModelTask.Binary,
        [.. DriftingWorld.Features.Select(f => new ModelInput(f, f is nameof(DriftingRow.Region) or nameof(DriftingRow.Channel) ? InputKind.Text : InputKind.Number, f))],
        [ModelOutputs.Probability],
        nameof(DriftingRow.Bought));

    /// <summary>Gets the truth: what changes, how much and when.</summary>
    public IReadOnlyList<InjectedDrift> Drifts => _drifts;

    /// <summary>Gets or initialises when row 0 is.</summary>
    /// <value>The default is 2026-01-01 00:00 UTC.</value>
    public DateTimeOffset Start { get; init; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Gets or initialises how long after a row the next one is.</summary>
    /// <value>The default is one minute.</value>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Makes one row.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <returns>The row.</returns>
    public DriftingRow this[long row]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row);
            double turn = 1;
            double correlation = DriftingWorld.Correlation;
            double forced = 0;
            foreach (InjectedDrift drift in _drifts)
            {
                double size = drift.Size * drift.StrengthAt(row);
                turn *= drift.Kind == DriftKind.Concept ? 1 - (2 * size) : 1;
                correlation *= drift.Kind == DriftKind.Correlation ? 1 - (2 * size) : 1;
                forced += drift.Kind == DriftKind.Label ? size : 0;
            }

            // measuring draws from a stream of its own, so that a change of one thing leaves all others as they were
            var measuring = new SeededRandom(_seed, (2 * row) + 1);
            bool force = measuring.NextDouble() < Math.Abs(forced);
            var random = new SeededRandom(_seed, 2 * row);
            while (true)
            {
                Customer customer = DriftingWorld.Draw(random, correlation);
                Move(ref customer, row, random.NextBits());
                double effects = DriftingWorld.Effects(customer) * turn;
                bool bought = random.NextDouble() < Sigmoid(DriftingWorld.Intercept + effects);
                double noise = random.NextNormal();
                if (!force || bought == forced > 0)
                {
                    return Measure(customer, row, bought, 100 + (20 * effects) + (10 * noise), measuring);
                }
            }
        }
    }

    /// <summary>Makes rows, one at a time.</summary>
    /// <param name="first">The first row, from 0.</param>
    /// <param name="count">How many.</param>
    /// <returns>The rows.</returns>
    public IEnumerable<DriftingRow> Rows(long first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return Enumerable.Range(0, count).Select(i => this[first + i]);
    }

    /// <summary>Makes rows as a table with a column for each member.</summary>
    /// <param name="first">The first row, from 0.</param>
    /// <param name="count">How many.</param>
    /// <returns>The table.</returns>
    public Table Table(long first, int count)
    {
        DriftingRow[] rows = [.. Rows(first, count)];
        return new Table(
        [
            new TimeColumn(nameof(DriftingRow.At), Array.ConvertAll(rows, r => r.At.UtcTicks)),
            Numbers(nameof(DriftingRow.Income), rows, r => r.Income),
            Numbers(nameof(DriftingRow.Age), rows, r => r.Age),
            Numbers(nameof(DriftingRow.Usage), rows, r => r.Usage),
            Numbers(nameof(DriftingRow.Spend), rows, r => r.Spend),
            Numbers(nameof(DriftingRow.Visits), rows, r => r.Visits),
            Numbers(nameof(DriftingRow.Waiting), rows, r => r.Waiting),
            Numbers(nameof(DriftingRow.Rating), rows, r => r.Rating),
            Texts(nameof(DriftingRow.Region), rows, r => r.Region),
            Texts(nameof(DriftingRow.Channel), rows, r => r.Channel),
            new NumberColumn(nameof(DriftingRow.Bought), Array.ConvertAll(rows, r => r.Bought ? 1.0 : 0), NumberKind.Boolean),
            Numbers(nameof(DriftingRow.Amount), rows, r => r.Amount),
        ]);
    }

    /// <summary>The answer of a perfect model that was trained before anything drifted: the true probability of yes given what the row shows, in the undrifted world.</summary>
    /// <param name="row">A row.</param>
    /// <returns>In (0, 1). Calibrated while nothing drifts; a value that is missing counts as its average, an unknown category as none.</returns>
    public static double Probability(DriftingRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var seen = new Customer
        {
            Income = row.Income is > 0 ? Math.Log(row.Income.Value / 30_000) / IncomeSpread : 0,
            Age = row.Age is { } age ? (age - 45) / 12 : 0,
            Usage = row.Usage is { } usage ? (usage - 50) / 10 : 0,
            Spend = row.Spend is { } spend ? (spend - 200) / 40 : 0,
            Visits = row.Visits ?? 3,
            Waiting = (row.Waiting ?? 5) / 5,
            Rating = row.Rating ?? 3.4,
            Region = Array.IndexOf(DriftingWorld.Regions, row.Region),
            Channel = Array.IndexOf(DriftingWorld.Channels, row.Channel),
        };
        return Sigmoid(DriftingWorld.Intercept + DriftingWorld.Effects(seen));
    }

    private static double Sigmoid(double score) => 1 / (1 + Math.Exp(-score));

    /// <summary>Moves the hidden customer: what the label follows from moves with it.</summary>
    private void Move(ref Customer customer, long row, ulong bits)
    {
        double uniform = (bits >> 11) * (1.0 / (1UL << 53));
        foreach (InjectedDrift drift in _drifts)
        {
            double size = drift.Size * drift.StrengthAt(row);
            if (drift.Kind != DriftKind.Covariate || size == 0)
            {
                continue;
            }

            switch (drift.Target)
            {
                case nameof(DriftingRow.Income): customer.Income += size; break;
                case nameof(DriftingRow.Age): customer.Age += size; break;
                case nameof(DriftingRow.Usage): customer.Usage += size; break;
                case nameof(DriftingRow.Spend): customer.Spend += size; break;
                case nameof(DriftingRow.Visits): customer.Visits += size * Math.Sqrt(3); break;
                case nameof(DriftingRow.Waiting): customer.Waiting += size; break;
                case nameof(DriftingRow.Rating): customer.Rating += size * 1.05; break; // sqrt(0.25 + 0.3 * 0.7 * 4)
                case nameof(DriftingRow.Region): customer.Region = uniform < size ? DriftingWorld.Regions.Length - 1 : customer.Region; break;
                default: customer.Channel = uniform < size ? DriftingWorld.Channels.Length - 1 : customer.Channel; break;
            }
        }
    }

    private DriftingRow Measure(in Customer c, long index, bool bought, double amount, SeededRandom measuring)
    {
        bool noIncome = measuring.NextDouble() < 0.02;
        bool noRating = measuring.NextDouble() < 0.05;
        var row = new DriftingRow(
            Start + (Interval * index),
            noIncome ? null : 30_000 * Math.Exp(IncomeSpread * c.Income),
            Math.Clamp(45 + (12 * c.Age), 18, 95),
            50 + (10 * c.Usage),
            200 + (40 * c.Spend),
            c.Visits,
            5 * c.Waiting,
            noRating ? null : c.Rating,
            c.Region < 0 ? null : DriftingWorld.Regions[c.Region],
            c.Channel < 0 ? null : DriftingWorld.Channels[c.Channel],
            bought,
            amount);
        foreach (InjectedDrift drift in _drifts)
        {
            double strength = drift.StrengthAt(index);
            bool hit = measuring.NextDouble() < (drift.Kind == DriftKind.Unit ? strength : drift.Size * strength);
            row = (drift.Kind, hit) switch
            {
                (DriftKind.Missing, true) => Change(row, drift.Target, _ => null, _ => null),
                (DriftKind.Unit, true) => Change(row, drift.Target, v => v * drift.Size, t => t),
                (DriftKind.NewCategory, true) => Change(row, drift.Target, v => v, _ => "Abroad"),
                _ => row,
            };
        }

        return row;
    }

    private static DriftingRow Change(DriftingRow row, string feature, Func<double?, double?> number, Func<string?, string?> text) => feature switch
    {
        nameof(DriftingRow.Income) => row with { Income = number(row.Income) },
        nameof(DriftingRow.Age) => row with { Age = number(row.Age) },
        nameof(DriftingRow.Usage) => row with { Usage = number(row.Usage) },
        nameof(DriftingRow.Spend) => row with { Spend = number(row.Spend) },
        nameof(DriftingRow.Visits) => row with { Visits = number(row.Visits) },
        nameof(DriftingRow.Waiting) => row with { Waiting = number(row.Waiting) },
        nameof(DriftingRow.Rating) => row with { Rating = number(row.Rating) },
        nameof(DriftingRow.Region) => row with { Region = text(row.Region) },
        _ => row with { Channel = text(row.Channel) },
    };

    private static NumberColumn Numbers(string name, DriftingRow[] rows, Func<DriftingRow, double?> of) => new(name, Array.ConvertAll(rows, r => of(r) ?? double.NaN));

    private static TextColumn Texts(string name, DriftingRow[] rows, Func<DriftingRow, string?> of)
    {
        var codes = new Dictionary<string, int>(StringComparer.Ordinal);
        int[] coded = Array.ConvertAll(rows, row =>
        {
            if (of(row) is not { } text)
            {
                return -1;
            }

            ref int code = ref CollectionsMarshal.GetValueRefOrAddDefault(codes, text, out bool known);
            code = known ? code : codes.Count - 1;
            return code;
        });
        return new TextColumn(name, coded, [.. codes.Keys]);
    }
}
