using System.Runtime.CompilerServices;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Serving;

/// <summary>A typed view of a served model.</summary>
internal abstract class View
{
    /// <summary>Gets or sets the place of the view's binding in a live version.</summary>
    internal int Index { get; set; }

    /// <summary>Works out how the view's types map to a schema.</summary>
    /// <exception cref="MlopsException">They do not fit.</exception>
    internal abstract object Bind(ModelSchema schema);

    internal abstract string Describe();
}

/// <summary>Answers for one served model: thread-safe, without a lock, and without garbage beyond the answer itself.</summary>
/// <typeparam name="TIn">The row: a plain record.</typeparam>
/// <typeparam name="TOut">The answer: a plain record whose members are named after the model's outputs.</typeparam>
internal sealed class Predictor<TIn, TOut>(ServedModel served) : View, IPredictor<TIn, TOut>
{
    public Prediction<TOut> Predict(TIn row) => Predict(row, default);

    public Prediction<TOut> Predict(TIn row, in PredictionContext context)
    {
        if (row is null)
        {
            throw new ArgumentNullException(nameof(row));
        }

        ObserverList observers = served.Context.Observers;
        if (!observers.ObserveCalls)
        {
            return AnswerOne(row, context);
        }

        long start = served.Context.Time.GetTimestamp();
        try
        {
            Prediction<TOut> prediction = AnswerOne(row, context);
            observers.Called(new PredictionCall(served.Name, prediction.Version, 1, served.Context.Time.GetElapsedTime(start), null, context));
            return prediction;
        }
        catch (Exception e)
        {
            observers.Called(Failed(1, start, e, context));
            throw;
        }
    }

    public int Predict(ReadOnlySpan<TIn> rows, Span<TOut> answers)
    {
        if (answers.Length < rows.Length)
        {
            throw new ArgumentException($"{rows.Length} rows need room for as many answers; there is room for {answers.Length}.", nameof(answers));
        }

        ObserverList observers = served.Context.Observers;
        if (!observers.ObserveCalls)
        {
            return AnswerAll(rows, answers);
        }

        long start = served.Context.Time.GetTimestamp();
        try
        {
            int version = AnswerAll(rows, answers);
            observers.Called(new PredictionCall(served.Name, version, rows.Length, served.Context.Time.GetElapsedTime(start), null, default));
            return version;
        }
        catch (Exception e)
        {
            observers.Called(Failed(rows.Length, start, e, default));
            throw;
        }
    }

    internal override object Bind(ModelSchema schema) => new Binding<TIn, TOut>(schema);

    internal override string Describe() => $"{typeof(TIn).Name} -> {typeof(TOut).Name}";

    private Prediction<TOut> AnswerOne(TIn row, in PredictionContext context)
    {
        int thread = Environment.CurrentManagedThreadId;
        LiveVersion live = served.Enter(thread);
        Scratch? scratch = null;
        bool answered = false;
        try
        {
            Binding<TIn, TOut> binding = BindingOf(live);
            scratch = Scratch.Take(live);
            TOut answer = Answer(live, binding, scratch, row, context);
            answered = true;
            return new Prediction<TOut>(answer, live.Number);
        }
        finally
        {
            scratch?.GiveBack(live);
            if (answered)
            {
                live.Leave(thread);
            }
            else
            {
                live.LeaveFailed(thread);
            }
        }
    }

    private int AnswerAll(ReadOnlySpan<TIn> rows, Span<TOut> answers)
    {
        int thread = Environment.CurrentManagedThreadId;
        LiveVersion live = served.Enter(thread);
        Scratch? scratch = null;
        bool answered = false;
        try
        {
            Binding<TIn, TOut> binding = BindingOf(live);
            scratch = Scratch.Take(live);
            for (int i = 0; i < rows.Length; i++)
            {
                answers[i] = Answer(live, binding, scratch, rows[i] ?? throw new ArgumentException($"Row {i} is null.", nameof(rows)), default);
            }

            answered = true;
            return live.Number;
        }
        finally
        {
            scratch?.GiveBack(live);
            if (answered)
            {
                live.LeaveBatch(thread, rows.Length);
            }
            else
            {
                live.LeaveFailed(thread);
            }
        }
    }

    private PredictionCall Failed(int rows, long start, Exception e, in PredictionContext context) =>
        new(served.Name, served.Current?.Number ?? 0, rows, served.Context.Time.GetElapsedTime(start), (e as MlopsException)?.Code ?? e.GetType().Name, context);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TOut Answer(LiveVersion live, Binding<TIn, TOut> binding, Scratch scratch, TIn row, in PredictionContext context)
    {
        Span<float> numbers = scratch.Numbers.AsSpan(0, live.NumberSlots);
        Span<string?> texts = scratch.Texts.AsSpan(0, live.TextSlots);
        Span<float> outputs = scratch.Outputs.AsSpan(0, live.OutputSlots);
        binding.Encoder.Encode(row, numbers, texts);
        var slots = new ModelRow(numbers, texts);
        live.Model.Score(slots, outputs);
        if (!served.Context.Observers.IsEmpty)
        {
            served.Context.Observers.Predicted(served.Name, live.Number, slots, outputs, context);
        }

        return binding.Binder.Read(outputs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Binding<TIn, TOut> BindingOf(LiveVersion live)
    {
        object binding = live.Bindings[Index];
        return binding.GetType() == typeof(Binding<TIn, TOut>) ? Unsafe.As<Binding<TIn, TOut>>(binding) : throw Unfit(live, binding);
    }

    private MlopsModelException Unfit(LiveVersion live, object binding)
    {
        Exception? why = (binding as UnfitBinding)?.Why;
        return new MlopsModelException("serving.wrong_columns", $"{live.Version} does not fit {Describe()}: {why?.Message}", why);
    }
}

/// <summary>How a view's types map to one version's slots.</summary>
internal sealed class Binding<TIn, TOut>(ModelSchema schema)
{
    internal readonly RowEncoder<TIn> Encoder = new(schema);
    internal readonly OutputBinder<TOut> Binder = new(schema);
}
