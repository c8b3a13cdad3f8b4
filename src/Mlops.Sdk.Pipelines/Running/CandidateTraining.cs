using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML;
using Mlops.Sdk.Data;
using Mlops.Sdk.MLNet;

namespace Mlops.Sdk.Pipelines;

/// <summary>A trained candidate: the saved bytes' artifact, and the model as serving will load it.</summary>
internal sealed record TrainedCandidate(ModelFile File, ILoadedModel Model, bool FromCache);

/// <summary>Trains candidates, each once: what was trained on the same rows with the same options is taken from the cache, verified.</summary>
internal sealed class CandidateTraining(IObjectStore store, IArtifactStore artifacts)
{
    private const string Features = "Features";

    internal async Task<TrainedCandidate> TrainAsync(string name, CandidateOptions options, LabelledRows rows, int runSeed, CancellationToken cancellationToken)
    {
        ObjectKey key = KeyOf(name, options, rows.Table.Schema, rows.Content(), runSeed);
        byte[]? bytes = await FindAsync(key, name, cancellationToken).ConfigureAwait(false);
        bool cached = bytes is not null;
        bytes ??= await Task.Run(() => Train(name, options, rows, runSeed, cancellationToken), cancellationToken).ConfigureAwait(false);
        using var content = new MemoryStream(bytes, writable: false);
        ArtifactInfo info = await artifacts.WriteAsync(content, cancellationToken).ConfigureAwait(false);
        if (!cached)
        {
            // the body first, then the record that names it: without the record there is no result
            await StepCache.WriteAsync(store, key, new TrainedRecord(TrainedRecord.CurrentFormat, info.Digest, info.Length), cancellationToken).ConfigureAwait(false);
        }

        return new TrainedCandidate(new ModelFile(MLNetModelFormat.FileName, info.Digest, info.Length), MLNetModelFormat.Load(bytes, rows.Table.Schema, name), cached);
    }

    /// <summary>The seed of a candidate hangs on its name, so that adding a candidate does not change the others.</summary>
    internal static int SeedOf(int runSeed, string candidate) =>
        BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{runSeed}:{candidate}")))) & int.MaxValue;

    private static byte[] Train(string name, CandidateOptions options, LabelledRows rows, int runSeed, CancellationToken cancellationToken)
    {
        // trainers write their options as texts, in the culture of the thread: into the model, and to native code that reads them its own way
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            return TrainInvariantly(name, options, rows, runSeed, cancellationToken);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static byte[] TrainInvariantly(string name, CandidateOptions options, LabelledRows rows, int runSeed, CancellationToken cancellationToken)
    {
        int seed = SeedOf(runSeed, name);
        var context = new MLContext(seed);
        var view = new SlotView(rows.Table, rows.Binary, rows.Numbers, cancellationToken);
        IEstimator<ITransformer> estimator = Featurise(context, rows.Table.Schema, options.Normalise)
            .Append(options.Build(new TrainerContext(context, rows.Table.Schema.Task, Features, SlotView.LabelOf(rows.Table.Schema), seed)));
        ITransformer model = CancellableFit.Fit(context, estimator, view, cancellationToken);
        using var bytes = new MemoryStream();
        context.Model.Save(model, view.Schema, bytes);
        return bytes.ToArray();
    }

    /// <summary>The preparation is part of the model: texts become one slot per category (unknown and missing ones none), missing numbers the training mean.</summary>
    private static IEstimator<ITransformer> Featurise(MLContext context, ModelSchema schema, bool normalise)
    {
        ModelInput[] numbers = [.. schema.Inputs.Where(i => i.Kind == InputKind.Number)];
        ModelInput[] texts = [.. schema.Inputs.Where(i => i.Kind == InputKind.Text)];
        IEstimator<ITransformer>? chain = null;
        void Add(IEstimator<ITransformer> step) => chain = chain is null ? step : chain.Append(step);

        if (texts.Length > 0)
        {
            Add(context.Transforms.Categorical.OneHotEncoding([.. texts.Select(t => new InputOutputColumnPair(Encoded(t), t.Name))], maximumNumberOfKeys: 1_000));
        }

        if (numbers.Length > 0)
        {
            Add(context.Transforms.ReplaceMissingValues(
                [.. numbers.Select(n => new InputOutputColumnPair(Encoded(n), n.Name))],
                Microsoft.ML.Transforms.MissingValueReplacingEstimator.ReplacementMode.Mean));
            if (normalise)
            {
                Add(context.Transforms.NormalizeMinMax([.. numbers.Select(n => new InputOutputColumnPair(Encoded(n)))]));
            }
        }

        Add(context.Transforms.Concatenate(Features, [.. numbers.Concat(texts).Select(Encoded)]));
        return chain!;
    }

    private static string Encoded(ModelInput input) => $"{input.Name}.encoded";

    private static ObjectKey KeyOf(string name, CandidateOptions options, ModelSchema schema, Digest rows, int runSeed)
    {
        var text = new StringBuilder();
        void Add(string part) => text.Append(part.Length).Append(':').Append(part).Append(';');
        Add("train/1");
        Add(rows.ToString());
        Add(FormattableString.Invariant($"{SeedOf(runSeed, name)}"));
        Add(options.GetType().FullName!);
        Add(FormattableString.Invariant($"{options.Version}"));
        foreach ((string option, string value) in options.Describe())
        {
            Add(option);
            Add(value);
        }

        foreach (ModelInput input in schema.Inputs)
        {
            Add($"{input.Name}|{input.Kind}|{input.Source}|{input.Part}");
        }

        foreach (Assembly relevant in new[] { typeof(MLContext).Assembly, typeof(CandidateTraining).Assembly, options.GetType().Assembly }.Distinct())
        {
            // the assembly version of ML.NET is 1.0.0.0 in every release; only the informational one tells the release
            Add(relevant.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? relevant.GetName().Version?.ToString() ?? "-");
        }

        Add($"{Environment.OSVersion.Platform}/{System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture}");
        return StepCache.KeyOf(Digest.Of(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private async Task<byte[]?> FindAsync(ObjectKey key, string name, CancellationToken cancellationToken)
    {
        try
        {
            if (await StepCache.ReadAsync(store, key, cancellationToken).ConfigureAwait(false) is not { } record)
            {
                return null;
            }

            byte[] bytes = await artifacts.ReadAsync(record.Model, record.Length, cancellationToken).ConfigureAwait(false);
            ModelZip.Check(bytes, name); // whoever can write a record could name any file
            return bytes;
        }
        catch (Exception error) when (error is FormatException or MlopsIntegrityException or MlopsNotFoundException or MlopsModelException)
        {
            return null; // a damaged or collected entry is no entry: it is trained again and replaced
        }
    }
}
