using System.Collections.Concurrent;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Mlops.Sdk.MLNet;

/// <summary>
/// A loaded ML.NET model that any number of threads may ask. ML.NET's row objects are not thread-safe, so each call borrows a bound row and
/// gives it back; binding happens once per row, not per call.
/// </summary>
internal sealed class MLNetModel : ILoadedModel
{
    /// <summary>Threads meet at a slot only by chance, and two slots never share a cache line.</summary>
    private const int Slots = 32;
    private const int Stride = 16;

    private readonly ITransformer _transformer;
    private readonly DataViewSchema? _foreign;
    private readonly ConcurrentBag<BoundRow> _idle = [];
    private readonly BoundRow?[] _slots = new BoundRow?[Slots * Stride];
    private readonly Lazy<(ModelProgram? Program, string? Problem)> _program;

    /// <summary>Wraps a model.</summary>
    /// <param name="transformer">The model.</param>
    /// <param name="schema">What its manifest says that it takes and gives.</param>
    /// <param name="saved">The schema that stands in its file, or null.</param>
    internal MLNetModel(ITransformer transformer, ModelSchema schema, DataViewSchema? saved = null)
    {
        _transformer = transformer;
        _foreign = saved is null || IsOurs(saved, schema) ? null : saved;
        Schema = schema;
        _program = new Lazy<(ModelProgram? Program, string? Problem)>(() =>
        {
            using var row = new InputRow(schema, _foreign);
            return row.Converts
                ? (null, "an imported model takes a column of another type than single precision or text")
                : ProgramExtractor.Extract(transformer, row.Schema, schema);
        });
        _idle.Add(NewRow()); // a model that does not fit its schema is found here, not at the first call
    }

    public ModelSchema Schema { get; }

    public string Scorer => "row-mapper";

    public ModelProgram? Program => _program.Value.Program;

    public string? ProgramProblem => _program.Value.Problem;

    internal ITransformer Transformer => _transformer;

    public void Score(in ModelRow row, Span<float> outputs)
    {
        ref BoundRow? slot = ref _slots[(Environment.CurrentManagedThreadId & (Slots - 1)) * Stride];
        BoundRow bound = Interlocked.Exchange(ref slot, null) ?? (_idle.TryTake(out BoundRow? idle) ? idle : NewRow());
        try
        {
            bound.Score(row, outputs);
        }
        finally
        {
            if (Interlocked.CompareExchange(ref slot, bound, null) is not null)
            {
                _idle.Add(bound);
            }
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < _slots.Length; i += Stride)
        {
            Interlocked.Exchange(ref _slots[i], null)?.Dispose();
        }

        while (_idle.TryTake(out BoundRow? bound))
        {
            bound.Dispose();
        }

        (_transformer as IDisposable)?.Dispose();
    }

    private BoundRow NewRow() => new(_transformer, Schema, _foreign);

    /// <summary>Tells whether a file's schema is the one that this library trains with: the inputs as single precision or text, and the label.</summary>
    private static bool IsOurs(DataViewSchema saved, ModelSchema schema)
    {
        string label = SlotView.LabelOf(schema);
        return saved.All(c => c.IsHidden || c.Name == label || schema.Inputs.Any(i => i.Name == c.Name && c.Type == TypeOf(i.Kind)));
    }

    private static DataViewType TypeOf(InputKind kind) => kind == InputKind.Number ? NumberDataViewType.Single : TextDataViewType.Instance;

    /// <summary>One input row with the mapper's output row bound to it.</summary>
    private sealed class BoundRow : IDisposable
    {
        private readonly InputRow _input;
        private readonly DataViewRow _output;
        private readonly Func<float>[] _readers;

        internal BoundRow(ITransformer transformer, ModelSchema schema, DataViewSchema? foreign)
        {
            _input = new InputRow(schema, foreign);
            IRowToRowMapper mapper = transformer.GetRowToRowMapper(_input.Schema);
            DataViewSchema.Column[] wanted = [.. schema.Outputs.Select(name => mapper.OutputSchema.GetColumnOrNull(name)
                ?? throw new MlopsModelException("model.unloadable", $"The model gives no output '{name}'; its manifest says it does. Register it again from the run that made it."))];
            if (foreign is not null && mapper.GetDependencies(wanted).Select(c => c.Name).FirstOrDefault(n => !schema.Inputs.Any(i => i.Name == n)) is { } missing)
            {
                throw new MlopsModelException("model.unloadable", $"The model's answers hang on a column '{missing}' that its manifest does not name as an input. Register it again from its file.");
            }

            _output = mapper.GetRow(_input, wanted);
            _readers = [.. wanted.Select(ReaderOf)];
        }

        internal void Score(in ModelRow row, Span<float> outputs)
        {
            _input.Load(row);
            for (int i = 0; i < _readers.Length; i++)
            {
                outputs[i] = _readers[i]();
            }
        }

        public void Dispose()
        {
            _output.Dispose();
            _input.Dispose();
        }

        private Func<float> ReaderOf(DataViewSchema.Column column)
        {
            if (column.Type.RawType == typeof(bool))
            {
                ValueGetter<bool> yes = _output.GetGetter<bool>(column);
                bool flag = false;
                return () =>
                {
                    yes(ref flag);
                    return flag ? 1f : 0f;
                };
            }

            ValueGetter<float> get = _output.GetGetter<float>(column);
            float value = 0;
            return () =>
            {
                get(ref value);
                return value;
            };
        }
    }

    /// <summary>A row that is filled again and again. Its position grows with every row, because ML.NET keeps what it computed per position.</summary>
    private sealed class InputRow : DataViewRow
    {
        private readonly Delegate[] _getters;
        private readonly float[] _numbers;
        private readonly ReadOnlyMemory<char>[] _texts;
        private long _position = -1;

        internal InputRow(ModelSchema schema, DataViewSchema? foreign)
        {
            var builder = new DataViewSchema.Builder();
            _numbers = new float[schema.Inputs.Count(i => i.Kind == InputKind.Number)];
            _texts = new ReadOnlyMemory<char>[schema.Inputs.Count - _numbers.Length];
            if (foreign is not null)
            {
                _getters = AddForeign(builder, schema, foreign);
                Schema = builder.ToSchema();
                return;
            }

            _getters = new Delegate[schema.Inputs.Count + 1];
            int number = 0;
            int text = 0;
            for (int i = 0; i < schema.Inputs.Count; i++)
            {
                bool isNumber = schema.Inputs[i].Kind == InputKind.Number;
                builder.AddColumn(schema.Inputs[i].Name, isNumber ? NumberDataViewType.Single : TextDataViewType.Instance);
                _getters[i] = isNumber ? NumberGetter(number++) : TextGetter(text++);
            }

            // ML.NET asks for the label's column when it binds, though scoring never reads it
            if (schema.Task == ModelTask.Binary)
            {
                builder.AddColumn(SlotView.LabelOf(schema), BooleanDataViewType.Instance);
                _getters[^1] = (ValueGetter<bool>)((ref bool value) => value = false);
            }
            else
            {
                builder.AddColumn(SlotView.LabelOf(schema), NumberDataViewType.Single);
                _getters[^1] = (ValueGetter<float>)((ref float value) => value = 0);
            }

            Schema = builder.ToSchema();
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema { get; }

        internal void Load(in ModelRow row)
        {
            row.Numbers[.._numbers.Length].CopyTo(_numbers);
            for (int i = 0; i < _texts.Length; i++)
            {
                _texts[i] = row.Texts[i].AsMemory();
            }

            _position++;
        }

        /// <summary>Gets whether a slot is given to the model as another type than its own.</summary>
        internal bool Converts { get; private set; }

        /// <summary>Adds the columns of a file that was made without this library, under its own names and types. Those that are no inputs, such as the label, are there and empty.</summary>
        private Delegate[] AddForeign(DataViewSchema.Builder builder, ModelSchema schema, DataViewSchema foreign)
        {
            List<Delegate> getters = [];
            Dictionary<string, (InputKind Kind, int Index)> slots = new(StringComparer.Ordinal);
            int number = 0;
            int text = 0;
            foreach (ModelInput input in schema.Inputs)
            {
                slots.Add(input.Name, (input.Kind, input.Kind == InputKind.Number ? number++ : text++));
            }

            foreach (DataViewSchema.Column column in foreign.Where(c => !c.IsHidden))
            {
                builder.AddColumn(column.Name, column.Type);
                if (!slots.Remove(column.Name, out (InputKind Kind, int Index) slot))
                {
                    getters.Add(InputConversions.Unread(column.Type));
                    continue;
                }

                if (slot.Kind == InputKind.Number ? !InputConversions.IsNumber(column.Type) : column.Type is not TextDataViewType)
                {
                    throw new MlopsModelException("model.unloadable", $"The model takes '{column.Name}' as {column.Type}; its manifest says it is a {slot.Kind.ToString().ToLowerInvariant()}. Register it again from its file.");
                }

                Converts |= slot.Kind == InputKind.Number && column.Type != NumberDataViewType.Single;
                getters.Add(slot.Kind == InputKind.Number ? InputConversions.Getter(column.Type, _numbers, slot.Index) : TextGetter(slot.Index));
            }

            return slots.Count == 0
                ? [.. getters]
                : throw new MlopsModelException("model.unloadable", $"The model knows no column '{slots.Keys.First()}'; its manifest says it is an input. Register it again from its file.");
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => (ValueGetter<TValue>)_getters[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        private ValueGetter<float> NumberGetter(int index) => (ref float value) => value = _numbers[index];

        private ValueGetter<ReadOnlyMemory<char>> TextGetter(int index) => (ref ReadOnlyMemory<char> value) => value = _texts[index];
    }
}
