using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>How the rows of one version are counted: everything that does not change from row to row, laid out flat.</summary>
internal sealed class RecordingPlan
{
    private readonly float[] _edges;
    private readonly NumberSlot[] _numbers; // the number inputs, then the outputs
    private readonly TextSlot[] _texts;
    private readonly int _numberInputs;

    private RecordingPlan(string model, int version, Digest reference, ReferenceFeature[] features, float[] edges, NumberSlot[] numbers, int numberInputs, TextSlot[] texts, int counts)
    {
        Model = model;
        Version = version;
        Reference = reference;
        Features = features;
        CountLength = counts;
        _edges = edges;
        _numbers = numbers;
        _numberInputs = numberInputs;
        _texts = texts;
    }

    internal string Model { get; }

    internal int Version { get; }

    internal Digest Reference { get; }

    /// <summary>Gets the features in the order of the reference.</summary>
    internal ReferenceFeature[] Features { get; }

    internal int CountLength { get; }

    internal int NumberSlots => _numbers.Length;

    /// <summary>Lays out the counting of a version's rows.</summary>
    /// <exception cref="MlopsDataException">The reference has other inputs than the schema, or outputs that it does not have.</exception>
    internal static RecordingPlan Create(string model, int version, ModelSchema schema, ReferenceProfile profile, Digest reference)
    {
        ReferenceFeature[] inputs = [.. profile.Features.Where(f => f.Role == FeatureRole.Input)];
        ReferenceFeature[] outputs = [.. profile.Features.Where(f => f.Role == FeatureRole.Output)];
        if (!schema.Inputs.Select(i => (i.Name, i.Kind)).SequenceEqual(inputs.Select(f => (f.Name, f.Kind))))
        {
            throw Mismatch(model, version, "inputs", schema.Inputs.Select(i => i.Name), inputs.Select(f => f.Name));
        }

        if (outputs.Length > 0 && !outputs.Select(f => f.Name).SequenceEqual(schema.Outputs, StringComparer.Ordinal))
        {
            throw Mismatch(model, version, "outputs", schema.Outputs, outputs.Select(f => f.Name));
        }

        var edges = new List<float>();
        var numbers = new List<NumberSlot>();
        var texts = new List<TextSlot>();
        int counts = 0;
        foreach (ReferenceFeature feature in inputs.Concat(outputs))
        {
            if (feature.Kind == InputKind.Number)
            {
                int blocks = (feature.Edges.Length + 7) / 8;
                numbers.Add(new NumberSlot(edges.Count, blocks, counts, feature.Counts.Length));
                edges.AddRange(feature.Edges);
                edges.AddRange(Enumerable.Repeat(float.PositiveInfinity, (blocks * 8) - feature.Edges.Length));
                counts += feature.Counts.Length + 2;
            }
            else
            {
                if (feature.Categories.Distinct(StringComparer.Ordinal).Count() != feature.Categories.Length)
                {
                    throw new MlopsDataException("monitoring.profile_mismatch", $"The reference of {model} v{version} lists a category of '{feature.Name}' twice. Write it with ReferenceProfile.Of.");
                }

                var codes = new CategoryCodes(feature.Categories);
                texts.Add(new TextSlot(codes, counts, codes.Count));
                counts += codes.Count + 2;
            }
        }

        int numberInputs = inputs.Count(f => f.Kind == InputKind.Number);
        return new RecordingPlan(model, version, reference, [.. inputs, .. outputs], [.. edges], [.. numbers], numberInputs, [.. texts], counts);
    }

    /// <summary>Counts one row. The lane is the caller's alone.</summary>
    /// <returns>False when the row has not the plan's shape; nothing was counted then.</returns>
    internal bool Count(LaneCounts lane, ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, ReadOnlySpan<float> outputs)
    {
        bool withOutputs = _numbers.Length > _numberInputs;
        if (numbers.Length != _numberInputs || texts.Length != _texts.Length || (withOutputs && outputs.Length != _numbers.Length - _numberInputs))
        {
            return false;
        }

        lane.Rows++;
        long[] counts = lane.Counts;
        CountNumbers(_numbers.AsSpan(0, _numberInputs), numbers, counts, lane.Moments);
        if (withOutputs)
        {
            CountNumbers(_numbers.AsSpan(_numberInputs), outputs, counts, lane.Moments.AsSpan(_numberInputs));
        }

        for (int i = 0; i < texts.Length; i++)
        {
            ref readonly TextSlot slot = ref _texts[i];
            counts[slot.CountStart + slot.CodeOf(texts[i])]++;
        }

        return true;
    }

    /// <summary>Counts a column of numbers: input or output number <paramref name="slot"/>.</summary>
    internal void CountNumbers(LaneCounts lane, int slot, ReadOnlySpan<float> values)
    {
        ReadOnlySpan<NumberSlot> one = _numbers.AsSpan(slot, 1);
        Span<Moments> moments = lane.Moments.AsSpan(slot, 1);
        for (int i = 0; i < values.Length; i++)
        {
            CountNumbers(one, values.Slice(i, 1), lane.Counts, moments);
        }
    }

    /// <summary>Counts a column of texts, each distinct one looked up once.</summary>
    internal void CountTexts(LaneCounts lane, int slot, TextColumn column)
    {
        TextSlot text = _texts[slot];
        int[] codes = Array.ConvertAll(column.Dictionary, text.CodeOf);
        foreach (int code in column.Codes)
        {
            lane.Counts[text.CountStart + (code < 0 ? text.CodeOf(null) : codes[code])]++;
        }
    }

    /// <summary>Makes a feature's counts from a lane's.</summary>
    internal WindowFeature[] Read(LaneCounts lane)
    {
        var features = new WindowFeature[Features.Length];
        int number = 0;
        int text = 0;
        for (int i = 0; i < features.Length; i++)
        {
            ReferenceFeature feature = Features[i];
            if (feature.Kind == InputKind.Text)
            {
                TextSlot slot = _texts[text++];
                features[i] = new WindowFeature
                {
                    Name = feature.Name,
                    Kind = InputKind.Text,
                    Role = feature.Role,
                    Counts = [.. lane.Counts.AsSpan(slot.CountStart, slot.Categories)],
                    Unseen = lane.Counts[slot.CountStart + slot.Categories],
                    Missing = lane.Counts[slot.CountStart + slot.Categories + 1],
                };
                continue;
            }

            NumberSlot at = _numbers[number];
            Moments moments = lane.Moments[number++];
            features[i] = new WindowFeature
            {
                Name = feature.Name,
                Kind = InputKind.Number,
                Role = feature.Role,
                Counts = [.. lane.Counts.AsSpan(at.CountStart, at.Bins)],
                Missing = lane.Counts[at.CountStart + at.Bins],
                Infinite = lane.Counts[at.CountStart + at.Bins + 1],
                Mean = moments.Mean,
                SquaredDeviations = moments.SquaredDeviations,
                Minimum = moments.Values == 0 ? null : moments.Minimum,
                Maximum = moments.Values == 0 ? null : moments.Maximum,
            };
        }

        return features;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountNumbers(ReadOnlySpan<NumberSlot> slots, ReadOnlySpan<float> values, long[] counts, Span<Moments> moments)
    {
        // the caller has checked that there are as many values as slots; a slot's place in the counts is the plan's own
        ref float edges = ref MemoryMarshal.GetArrayDataReference(_edges);
        ref long count = ref MemoryMarshal.GetArrayDataReference(counts);
        ref Moments moment = ref MemoryMarshal.GetReference(moments);
        for (int i = 0; i < slots.Length; i++)
        {
            ref readonly NumberSlot slot = ref slots[i];
            float value = values[i];
            int bin;
            if (float.IsFinite(value))
            {
                // a bin is right-closed, so its number is how many edges lie below the value: eight at a time, no branch to mispredict
                Vector256<float> wide = Vector256.Create(value);
                ref float block = ref Unsafe.Add(ref edges, slot.EdgeStart);
                bin = 0;
                for (int b = 0; b < slot.EdgeBlocks; b++)
                {
                    bin += BitOperations.PopCount(Vector256.GreaterThan(wide, Vector256.LoadUnsafe(ref block, (nuint)(b * 8))).ExtractMostSignificantBits());
                }

                Unsafe.Add(ref moment, i).Add(value);
            }
            else
            {
                bin = slot.Bins + (float.IsNaN(value) ? 0 : 1);
            }

            Unsafe.Add(ref count, slot.CountStart + bin)++;
        }
    }

    private static MlopsDataException Mismatch(string model, int version, string what, IEnumerable<string> schema, IEnumerable<string> profile) =>
        new("monitoring.profile_mismatch", $"The reference of {model} v{version} has other {what} than the model: [{string.Join(", ", profile)}], expected [{string.Join(", ", schema)}]. Make it with ReferenceProfile.Of from the model's own rows.");

    private readonly record struct NumberSlot(int EdgeStart, int EdgeBlocks, int CountStart, int Bins);

    private readonly record struct TextSlot(CategoryCodes Codes, int CountStart, int Categories)
    {
        /// <summary>Finds a category's place; unseen and missing stand behind the last one.</summary>
        internal int CodeOf(string? text) => text is null ? Categories + 1 : Codes.CodeOf(text);
    }
}

/// <summary>What one lane has counted since it was last read.</summary>
internal sealed class LaneCounts(RecordingPlan plan)
{
    private const int CacheLine = 16; // longs; keeps the end of one lane's array off the start of another's

    internal readonly long[] Counts = new long[plan.CountLength + CacheLine];
    internal readonly Moments[] Moments = NewMoments(plan.NumberSlots);
    internal long Rows;

    internal void AddTo(LaneCounts total)
    {
        total.Rows += Rows;
        for (int i = 0; i < Counts.Length; i++)
        {
            total.Counts[i] += Counts[i];
        }

        for (int i = 0; i < Moments.Length; i++)
        {
            total.Moments[i].Add(Moments[i]);
        }
    }

    internal void Clear()
    {
        Rows = 0;
        Array.Clear(Counts);
        Array.Fill(Moments, Monitoring.Moments.None);
    }

    private static Moments[] NewMoments(int slots)
    {
        var moments = new Moments[slots];
        Array.Fill(moments, Monitoring.Moments.None);
        return moments;
    }
}

/// <summary>Sums of differences from the first value, so that squares do not cancel wherever the values lie.</summary>
internal struct Moments
{
    internal static readonly Moments None = new() { Minimum = float.PositiveInfinity, Maximum = float.NegativeInfinity };

    internal long Values;
    internal double Shift;
    internal double Sum;
    internal double Squares;
    internal float Minimum;
    internal float Maximum;

    internal readonly double Mean => Values == 0 ? 0 : Shift + (Sum / Values);

    internal readonly double SquaredDeviations => Values == 0 ? 0 : Math.Max(0, Squares - (Sum / Values * Sum));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Add(float value)
    {
        if (Values++ == 0)
        {
            Shift = value;
        }

        double difference = value - Shift;
        Sum += difference;
        Squares += difference * difference;
        if (value < Minimum)
        {
            Minimum = value;
        }

        if (value > Maximum)
        {
            Maximum = value;
        }
    }

    internal void Add(Moments other)
    {
        if (other.Values == 0)
        {
            return;
        }

        // T. Chan, G. Golub, R. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979
        double all = (double)Values + other.Values;
        double difference = other.Mean - Mean;
        this = new Moments
        {
            Values = Values + other.Values,
            Shift = Mean + (difference * other.Values / all),
            Squares = SquaredDeviations + other.SquaredDeviations + (difference * difference * Values * other.Values / all),
            Minimum = Math.Min(Minimum, other.Minimum),
            Maximum = Math.Max(Maximum, other.Maximum),
        };
    }
}
