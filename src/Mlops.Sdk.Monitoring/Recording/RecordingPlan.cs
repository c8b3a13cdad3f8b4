using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>How the rows of one version are counted: everything that does not change from row to row, laid out flat.</summary>
internal sealed partial class RecordingPlan
{
    private readonly float[] _edges;
    private readonly NumberSlot[] _numbers; // the number inputs, then the outputs
    private readonly TextSlot[] _texts;
    private readonly int _numberInputs;

    private RecordingPlan(string model, int version, Digest reference, ReferenceFeature[] features, float[] edges, NumberSlot[] numbers, int numberInputs, TextSlot[] texts, int counts, RecordingOptions options)
    {
        Options = options;
        Segments = SegmentPlan.Create(model, version, features, texts.Length == 0 ? [] : [.. texts.Select(t => t.Codes)], options.SegmentOf(model));

        // columns of a narrow row stay in the first cache, whatever the row's width
        BufferRows = Math.Clamp(8_192 / Math.Max(1, numbers.Length) / 8 * 8, 8, 32);
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

    internal int TextSlots => _texts.Length;

    /// <summary>Gets how many rows a lane puts together before it counts their numbers, column by column.</summary>
    internal int BufferRows { get; }

    internal RecordingOptions Options { get; }

    /// <summary>Gets the parts that rows are counted in, or null when there is only the whole.</summary>
    internal SegmentPlan? Segments { get; }

    /// <summary>Lays out the counting of a version's rows.</summary>
    /// <exception cref="MlopsDataException">The reference has other inputs than the schema, or outputs that it does not have.</exception>
    internal static RecordingPlan Create(string model, int version, ModelSchema schema, ReferenceProfile profile, Digest reference, RecordingOptions? options = null)
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
                numbers.Add(new NumberSlot(edges.Count, counts, feature.Counts.Length));
                edges.AddRange(feature.Edges);
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
        return new RecordingPlan(model, version, reference, [.. inputs, .. outputs], [.. edges], [.. numbers], numberInputs, [.. texts], counts, options ?? RecordingOptions.Plain);
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
                    Distinct = lane.Sketches?.TextDistinct[text - 1],
                    UnseenTexts = lane.Sketches?.Unseen[text - 1],
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
                Quantiles = lane.Sketches?.Quantiles[number - 1],
                Distinct = lane.Sketches?.NumberDistinct[number - 1],
            };
        }

        return features;
    }

    private static MlopsDataException Mismatch(string model, int version, string what, IEnumerable<string> schema, IEnumerable<string> profile) =>
        new("monitoring.profile_mismatch", $"The reference of {model} v{version} has other {what} than the model: [{string.Join(", ", profile)}], expected [{string.Join(", ", schema)}]. Make it with ReferenceProfile.Of from the model's own rows.");

    /// <summary>Where the edges and counts of a number stand; it has one bin more than edges.</summary>
    private readonly record struct NumberSlot(int EdgeStart, int CountStart, int Bins);

    private readonly record struct TextSlot(CategoryCodes Codes, int CountStart, int Categories)
    {
        /// <summary>Finds a category's place; unseen and missing stand behind the last one.</summary>
        internal int CodeOf(string? text) => text is null ? Categories + 1 : Codes.CodeOf(text);
    }
}
