using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlops.Sdk.MLNet;

/// <summary>Reads models that ML.NET saved: inputs and their kinds, the task and the outputs, out of the zip itself.</summary>
/// <remarks>
/// Can come in: binary classification and regression whose score hangs on single columns of numbers, yes/no values or texts, saved together with
/// their input schema. Cannot: several classes (the answer is a vector), inputs that are vectors, keys or times, and models without a score.
/// </remarks>
public sealed class MLNetModelImporter : IModelImporter
{
    private const string ScoreKind = "ScoreColumnKind";

    /// <inheritdoc/>
    public string ModelFormat => MLNetModelFormat.FormatName;

    /// <inheritdoc/>
    public string FileName => MLNetModelFormat.FileName;

    /// <inheritdoc/>
    public long MaxBytes => ModelZip.MaxBytes;

    /// <inheritdoc/>
    public bool Recognises(ReadOnlyMemory<byte> file) => file.Span.StartsWith("PK\u0003\u0004"u8);

    /// <inheritdoc/>
    public ValueTask<ImportedModel> ReadAsync(ReadOnlyMemory<byte> file, string model, ModelImportOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        byte[] bytes = file.ToArray();
        ModelZip.Check(bytes, model); // before ML.NET sees a byte
        ITransformer? loaded = null;
        try
        {
            using MemoryStream stream = new(bytes, writable: false);
            loaded = new MLContext().Model.Load(stream, out DataViewSchema? saved);
            ImportedModel read = Read(loaded, saved, model, options);
            using MLNetModel proof = MLNetModelFormat.Load(bytes, read.Schema, model); // what is registered can be served: a row is bound
            return ValueTask.FromResult(read);
        }
        catch (Exception error) when (error is not (MlopsException or OutOfMemoryException or OperationCanceledException))
        {
            throw new MlopsModelException("model.unloadable", $"ML.NET cannot load the file for model '{model}': {error.GetBaseException().Message} It was made by another ML.NET, or needs a package this process lacks.", error);
        }
        finally
        {
            (loaded as IDisposable)?.Dispose();
        }
    }

    private static ImportedModel Read(ITransformer transformer, DataViewSchema? saved, string model, ModelImportOptions options)
    {
        if (saved is null)
        {
            throw Not(model, "it was saved without the schema of its input, so its columns are not known. Save it again with mlContext.Model.Save(model, data.Schema, path).");
        }

        if (!transformer.IsRowToRowMapper)
        {
            throw Not(model, "it does not answer row by row, as models of time series do not.");
        }

        IRowToRowMapper mapper = transformer.GetRowToRowMapper(saved);
        List<string> notes = [];
        (ModelTask task, DataViewSchema.Column[] outputs) = OutputsOf(mapper.OutputSchema, model);
        HashSet<string> needed = [.. mapper.GetDependencies(outputs).Select(c => c.Name)];
        DataViewSchema.Column[] columns = [.. saved.Where(c => !c.IsHidden)];
        ModelInput[] inputs = [.. columns.Where(c => needed.Contains(c.Name)).Select(c => InputOf(c, model, notes))];
        if (inputs.Length == 0)
        {
            throw Not(model, "its score hangs on no column of its input.");
        }

        string label = LabelOf(columns.Where(c => !needed.Contains(c.Name)), task, options.Label, model, notes);
        notes.Add("Imported: the data it was trained on, its ranges and categories are not in the file, so drift has no reference until a profile is given.");
        return new ImportedModel(new ModelSchema(task, inputs, [.. outputs.Select(o => o.Name)], label), AlgorithmOf(transformer), notes);
    }

    private static (ModelTask Task, DataViewSchema.Column[] Outputs) OutputsOf(DataViewSchema schema, string model)
    {
        if (schema.GetColumnOrNull(ModelOutputs.Score) is not { } score)
        {
            throw Not(model, $"it gives no output '{ModelOutputs.Score}': it has no predictor, or renames what it gives.");
        }

        string kind = string.Empty;
        if (score.Annotations.Schema.GetColumnOrNull(ScoreKind) is not null)
        {
            ReadOnlyMemory<char> value = default;
            score.Annotations.GetValue(ScoreKind, ref value);
            kind = value.ToString();
        }

        if (score.Type != NumberDataViewType.Single)
        {
            throw Not(model, $"its score is {score.Type} ({(kind.Length > 0 ? kind : "of no stated kind")}); an output is one number. Binary classification and regression can be imported, several classes cannot yet.");
        }

        ModelTask task = kind switch
        {
            "BinaryClassification" => ModelTask.Binary,
            "Regression" => ModelTask.Regression,
            "" => throw Not(model, "its score does not say what kind it is."),
            _ => throw Not(model, $"its score is of the kind '{kind}'; binary classification and regression can be imported."),
        };
        return (task, task == ModelTask.Regression
            ? [score]
            :
            [
                score,
                .. Optional(schema, ModelOutputs.Probability, NumberDataViewType.Single),
                .. Optional(schema, ModelOutputs.PredictedLabel, BooleanDataViewType.Instance),
            ]);
    }

    private static IEnumerable<DataViewSchema.Column> Optional(DataViewSchema schema, string name, DataViewType type) =>
        schema.GetColumnOrNull(name) is { } column && column.Type == type ? [column] : [];

    private static ModelInput InputOf(DataViewSchema.Column column, string model, List<string> notes)
    {
        if (column.Type is TextDataViewType)
        {
            return new ModelInput(column.Name, InputKind.Text, column.Name);
        }

        if (!InputConversions.IsNumber(column.Type))
        {
            throw Not(model, $"its input '{column.Name}' is {column.Type}; an input is one number, yes/no value or text. Build the pipeline from single columns, with Concatenate inside of it, and save it again.");
        }

        if (column.Type != NumberDataViewType.Single && column.Type != NumberDataViewType.Double)
        {
            notes.Add($"Input '{column.Name}' is {column.Type} in the file: a missing value is given to it as {(column.Type is BooleanDataViewType ? "no" : "0")}.");
        }

        if (column.Type == NumberDataViewType.Double || column.Type == NumberDataViewType.Int64 || column.Type == NumberDataViewType.UInt64 || column.Type == NumberDataViewType.Int32 || column.Type == NumberDataViewType.UInt32)
        {
            notes.Add($"Input '{column.Name}' is {column.Type} in the file and single precision here: whole numbers above 16,777,216 are rounded.");
        }

        return new ModelInput(column.Name, InputKind.Number, column.Name);
    }

    private static string LabelOf(IEnumerable<DataViewSchema.Column> unused, ModelTask task, string? given, string model, List<string> notes)
    {
        DataViewSchema.Column[] all = [.. unused];
        if (given is not null)
        {
            return all.Length == 0 || all.Any(c => c.Name == given)
                ? given
                : throw Not(model, $"its file has no column '{given}' that the score does not hang on; such columns are {string.Join(", ", all.Select(c => $"'{c.Name}'"))}.");
        }

        DataViewSchema.Column[] likely = [.. all.Where(c => task == ModelTask.Binary ? c.Type is BooleanDataViewType : c.Type == NumberDataViewType.Single)];
        if (all.FirstOrDefault(c => c.Name == "Label") is { Name: not null } named)
        {
            return named.Name;
        }

        if (likely.Length == 1)
        {
            notes.Add($"The learned column was taken to be '{likely[0].Name}': the only one of its kind that the score does not hang on.");
            return likely[0].Name;
        }

        notes.Add($"The learned column could not be told: {(all.Length == 0 ? "the file names none" : $"it may be {string.Join(", ", all.Select(c => $"'{c.Name}'"))}")}. Give it in the options.");
        return string.Empty;
    }

    private static string AlgorithmOf(ITransformer transformer)
    {
        object? predictor = transformer is IEnumerable<ITransformer> chain ? chain.Select(PredictorOf).LastOrDefault(p => p is not null) : PredictorOf(transformer);
        if (predictor?.GetType().GetProperties().FirstOrDefault(p => p.Name == "SubModel")?.GetValue(predictor) is { } inner)
        {
            predictor = inner; // behind a calibrator
        }

        string name = predictor?.GetType().Name ?? "unknown";
        int tick = name.IndexOf('`', StringComparison.Ordinal);
        name = tick < 0 ? name : name[..tick];
        return name.EndsWith("ModelParameters", StringComparison.Ordinal) ? name[..^"ModelParameters".Length] : name;
    }

    private static object? PredictorOf(ITransformer transformer) => transformer switch
    {
        IPredictionTransformer<object> prediction => prediction.Model,
        IEnumerable<ITransformer> chain => chain.Select(PredictorOf).LastOrDefault(p => p is not null),
        _ => null,
    };

    private static MlopsModelException Not(string model, string why) =>
        new("model.not_importable", $"The file for model '{model}' is an ML.NET model that cannot be imported: {why} Nothing was stored.");
}
