using System.Collections.Immutable;
using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Mlops.Sdk.MLNet;

/// <summary>
/// Reads what a loaded ML.NET model computes, through ML.NET's public face only. What that face does not tell is found by asking a stage
/// (the replacement of a missing value, the pairing of normalised columns) or guessed (concatenation order, threshold): a program is
/// compared with the model, bit for bit, before anybody relies on it.
/// </summary>
internal sealed class ProgramExtractor
{
    private readonly Dictionary<string, Symbol> _columns = new(StringComparer.Ordinal);
    private ModelProgram? _program;

    /// <summary>Reads a model.</summary>
    /// <param name="model">The loaded chain.</param>
    /// <param name="input">The columns it is given.</param>
    /// <param name="schema">The inputs behind those columns, by the same names.</param>
    /// <returns>The program, or null and the reason.</returns>
    internal static (ModelProgram? Program, string? Problem) Extract(ITransformer model, DataViewSchema input, ModelSchema schema)
    {
        var extractor = new ProgramExtractor();
        foreach (ModelInput slot in schema.Inputs)
        {
            extractor._columns[slot.Name] = slot.Kind == InputKind.Text ? new TextSymbol(slot.Name) : new NumberSymbol(new NumberFeature(slot.Name, []));
        }

        try
        {
            extractor.Walk(model, input);
            return extractor._program is { } program ? (program, null) : (null, "The chain ends in no predictor.");
        }
        catch (NotExtractableException problem)
        {
            return (null, $"What the model computes cannot be told: {problem.Message}.");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or NotSupportedException or IndexOutOfRangeException or InvalidCastException)
        {
            return (null, $"What the model computes cannot be told: ML.NET says: {e.Message}");
        }
    }

    private DataViewSchema Walk(ITransformer stage, DataViewSchema schema)
    {
        if (stage is IEnumerable<ITransformer> chain)
        {
            foreach (ITransformer link in chain)
            {
                schema = Walk(link, schema);
            }

            return schema;
        }

        if (stage is ISingleFeaturePredictionTransformer<object> predictor)
        {
            if (_program is not null)
            {
                _program = (predictor.Model, _program.Link) is (PlattCalibrator late, null)
                    ? _program with { Link = new PlattLink(late.Slope, late.Offset) }
                    : throw new NotExtractableException($"after the predictor comes another, {stage.GetType().Name}");
                return stage.GetOutputSchema(schema);
            }

            Symbol features = _columns.GetValueOrDefault(predictor.FeatureColumnName) ?? new UnknownSymbol($"there is no column '{predictor.FeatureColumnName}'");
            _program = PredictorReader.Read(predictor, features);
            return stage.GetOutputSchema(schema);
        }

        DataViewSchema after = stage.GetOutputSchema(schema);
        IRowToRowMapper? mapper = stage.IsRowToRowMapper ? stage.GetRowToRowMapper(schema) : null;
        string[] made = [.. after.Select(c => c.Name).Distinct(StringComparer.Ordinal).Where(name => Count(after, name) > Count(schema, name)).OrderBy(name => after[name].Index)];
        var results = new Dictionary<string, Symbol>(StringComparer.Ordinal);
        for (int i = 0; i < made.Length; i++)
        {
            results[made[i]] = mapper is null ? new UnknownSymbol($"{stage.GetType().Name} does not work row by row") : Understand(stage, mapper, after[made[i]], i, made.Length);
        }

        foreach ((string name, Symbol symbol) in results)
        {
            _columns[name] = symbol; // after all were read: a stage sees the columns as they were before it
        }

        return after;
    }

    private static int Count(DataViewSchema schema, string name) => schema.Count(c => c.Name == name);

    private Symbol Understand(ITransformer stage, IRowToRowMapper mapper, DataViewSchema.Column output, int position, int pairs)
    {
        string[] sources = [.. mapper.GetDependencies([output]).Select(c => c.Name).Distinct(StringComparer.Ordinal)];
        if (stage is ColumnConcatenatingTransformer)
        {
            return Concatenation.Read(output, sources, name => _columns.GetValueOrDefault(name) ?? new UnknownSymbol($"there is no column '{name}'"));
        }

        if (sources.Length != 1 || !_columns.TryGetValue(sources[0], out Symbol? source))
        {
            return new UnknownSymbol($"'{output.Name}' is made by {stage.GetType().Name} from {sources.Length} columns");
        }

        return (stage, source) switch
        {
            (_, UnknownSymbol unknown) => unknown,
            (ColumnCopyingTransformer, _) => source,
            (TypeConvertingTransformer, NumberSymbol or VectorSymbol) when ItemType(output) == NumberDataViewType.Single => source,
            (ValueToKeyMappingTransformer, TextSymbol text) => new KeySymbol(text.Input, KeyValues(output)),
            (KeyToVectorMappingTransformer, KeySymbol key) when output.Type is VectorDataViewType vector && vector.Size == key.Categories.Count =>
                new VectorSymbol([new CategoryFeature(key.Input, key.Categories)], SlotNames(output, vector.Size)),
            (MissingValueReplacingTransformer, NumberSymbol or VectorSymbol) =>
                Each(source, output, StageProbe.Run(mapper, sources[0], output.Name, float.NaN), (i, values) => new NumberStep(NumberStepKind.Replace, values[i])),
            (MissingValueIndicatorTransformer, NumberSymbol or VectorSymbol) => Each(source, output, [], (_, _) => new NumberStep(NumberStepKind.IsMissing)),
            (NormalizingTransformer normalizer, NumberSymbol or VectorSymbol) => Normalise(normalizer, mapper, source, sources[0], output, position, pairs),
            _ => new UnknownSymbol($"'{output.Name}' is made by {stage.GetType().Name} from {Describe(source)}"),
        };
    }

    private static Symbol Each(Symbol source, DataViewSchema.Column output, float[] values, Func<int, float[], NumberStep> step)
    {
        if (source is NumberSymbol number)
        {
            return new NumberSymbol(number.Feature with { Steps = [.. number.Feature.Steps, step(0, values)] });
        }

        var vector = (VectorSymbol)source;
        if (vector.Parts.Any(p => p is not NumberFeature))
        {
            return new UnknownSymbol($"'{output.Name}' is made from categories as if they were numbers");
        }

        return vector with
        {
            Parts = [.. vector.Parts.Select((p, i) => (ProgramFeature)((NumberFeature)p with { Steps = [.. ((NumberFeature)p).Steps, step(i, values)] }))],
            Density = "a stage over a whole vector leaves out zeros",
        };
    }

    /// <summary>Finds which of the stage's normalisers belongs to the column: the one that gives what the stage gives.</summary>
    private static Symbol Normalise(NormalizingTransformer stage, IRowToRowMapper mapper, Symbol source, string from, DataViewSchema.Column output, int position, int pairs)
    {
        ReadOnlySpan<float> samples = [1, -3.25f, 1234.5f];
        for (int i = 0; i < pairs; i++)
        {
            int index = (position + i) % pairs;
            (float[] scale, float[] offset)? affine = stage.GetNormalizerModelParameters(index) switch
            {
                NormalizingTransformer.AffineNormalizerModelParameters<float> one => ([one.Scale], [one.Offset]),
                NormalizingTransformer.AffineNormalizerModelParameters<ImmutableArray<float>> many => ([.. many.Scale], many.Offset.IsDefaultOrEmpty ? new float[many.Scale.Length] : [.. many.Offset]),
                _ => null,
            };
            if (affine is not { } found)
            {
                continue;
            }

            bool fits = true;
            foreach (float sample in samples)
            {
                float[] given = StageProbe.Run(mapper, from, output.Name, sample);
                fits &= given.Length == found.scale.Length;
                for (int slot = 0; fits && slot < given.Length; slot++)
                {
                    fits = given[slot].Equals((sample - found.offset[slot]) * found.scale[slot]);
                }
            }

            if (fits)
            {
                return Each(source, output, [], (slot, _) => new NumberStep(NumberStepKind.Affine, found.scale[slot], found.offset[slot]));
            }
        }

        return new UnknownSymbol($"the normaliser of '{output.Name}' is not affine");
    }

    private static DataViewType ItemType(DataViewSchema.Column column) => column.Type is VectorDataViewType vector ? vector.ItemType : column.Type;

    private static IReadOnlyList<string> KeyValues(DataViewSchema.Column column)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        column.GetKeyValues(ref values);
        return [.. values.DenseValues().Select(v => v.ToString())];
    }

    private static IReadOnlyList<string> SlotNames(DataViewSchema.Column column, int slots)
    {
        if (!column.HasSlotNames())
        {
            return [.. Enumerable.Repeat("", slots)];
        }

        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(v => v.ToString())];
    }

    private static string Describe(Symbol symbol) => symbol switch
    {
        TextSymbol text => $"the text '{text.Input}'",
        NumberSymbol number => $"the number '{number.Feature.Input}'",
        KeySymbol key => $"the category of '{key.Input}'",
        _ => "a vector",
    };
}
