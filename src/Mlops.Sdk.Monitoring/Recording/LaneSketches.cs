using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring;

/// <summary>What a lane keeps besides counts, where it is allowed to.</summary>
internal sealed class LaneSketches
{
    private LaneSketches(RecordingPlan plan, ulong seed)
    {
        WindowSketches kept = plan.Options.Sketches;
        Quantiles = Make(plan.NumberSlots, kept.HasFlag(WindowSketches.Quantiles), () => new QuantileSketch(seed: seed));
        NumberDistinct = Make(plan.NumberSlots, kept.HasFlag(WindowSketches.Distinct), () => new DistinctSketch());
        TextDistinct = Make(plan.TextSlots, kept.HasFlag(WindowSketches.Distinct), () => new DistinctSketch());
        Unseen = Make(plan.TextSlots, kept.HasFlag(WindowSketches.UnseenTexts), () => new FrequentItems(RecordingOptions.UnseenK));
        Sample = plan.Options.SampleRows > 0 ? new ReservoirSample<SampledRow>(plan.Options.SampleRows, seed) : null;
    }

    internal QuantileSketch?[] Quantiles { get; }

    internal DistinctSketch?[] NumberDistinct { get; }

    internal DistinctSketch?[] TextDistinct { get; }

    internal FrequentItems?[] Unseen { get; }

    internal ReservoirSample<SampledRow>? Sample { get; }

    internal static LaneSketches? Create(RecordingPlan plan, ulong seed) =>
        plan.Options.Sketches == WindowSketches.None && plan.Options.SampleRows == 0 ? null : new LaneSketches(plan, seed);

    internal void Add(RecordingPlan plan, ReadOnlySpan<float> numbers, ReadOnlySpan<string?> texts, ReadOnlySpan<float> outputs)
    {
        for (int i = 0; i < Quantiles.Length; i++)
        {
            float value = i < numbers.Length ? numbers[i] : outputs[i - numbers.Length];
            Quantiles[i]?.Update(value);
            if (!float.IsNaN(value))
            {
                NumberDistinct[i]?.Update(value);
            }
        }

        for (int i = 0; i < texts.Length; i++)
        {
            if (texts[i] is { } text)
            {
                TextDistinct[i]?.Update(text);
                if (Unseen[i] is { } unseen && !plan.Knows(i, text))
                {
                    unseen.Update(text);
                }
            }
        }

        if (Sample is { } sample && sample.Draw(out ulong tag))
        {
            sample.Keep(new SampledRow(numbers.ToArray(), texts.ToArray(), outputs.ToArray()), tag);
        }
    }

    internal void AddTo(LaneSketches total)
    {
        for (int i = 0; i < Quantiles.Length; i++)
        {
            Put(total.Quantiles[i], Quantiles[i], (into, from) => into.Merge(from));
            Put(total.NumberDistinct[i], NumberDistinct[i], (into, from) => into.Merge(from));
        }

        for (int i = 0; i < Unseen.Length; i++)
        {
            Put(total.TextDistinct[i], TextDistinct[i], (into, from) => into.Merge(from));
            Put(total.Unseen[i], Unseen[i], (into, from) => into.Merge(from));
        }

        Put(total.Sample, Sample, (into, from) => into.Merge(from));
    }

    private static void Put<T>(T? into, T? from, Action<T, T> merge)
        where T : class
    {
        if (into is not null && from is not null)
        {
            merge(into, from);
        }
    }

    private static T?[] Make<T>(int slots, bool wanted, Func<T> make)
        where T : class => [.. Enumerable.Range(0, slots).Select(_ => wanted ? make() : null)];
}
