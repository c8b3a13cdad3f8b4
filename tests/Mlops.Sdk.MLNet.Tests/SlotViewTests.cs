using Microsoft.ML;
using Microsoft.ML.Data;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.MLNet.Tests;

public sealed class SlotViewTests
{
    [Fact]
    public void Shows_every_input_under_its_name_and_the_label_after_them()
    {
        Visit[] rows = Trained.Rows(50);
        var view = new SlotView(Trained.Encode(rows), Trained.Labels(rows));
        Assert.Equal(["Vendor", "Miles", "Stops", "Rain", "Zone", "Label"], view.Schema.Select(c => c.Name));
        Assert.Equal(50, view.GetRowCount());
        Assert.Equal(rows.Select(r => r.Miles ?? float.NaN), view.GetColumn<float>("Miles"));
        Assert.Equal(rows.Select(r => r.Rain ? 1f : 0f), view.GetColumn<float>("Rain"));
        Assert.Equal(rows.Select(r => r.Vendor ?? ""), view.GetColumn<ReadOnlyMemory<char>>("Vendor").Select(v => v.ToString()));
        Assert.Equal(Trained.Labels(rows), view.GetColumn<bool>("Label"));
    }

    [Fact]
    public void Two_cursors_at_once_do_not_move_each_other()
    {
        Visit[] rows = Trained.Rows(10);
        var view = new SlotView(Trained.Encode(rows));
        DataViewSchema.Column stops = view.Schema["Stops"];
        using DataViewRowCursor one = view.GetRowCursor([stops]);
        using DataViewRowCursor two = view.GetRowCursor([stops]);
        ValueGetter<float> first = one.GetGetter<float>(stops);
        ValueGetter<float> second = two.GetGetter<float>(stops);
        Assert.True(one.MoveNext() && one.MoveNext() && one.MoveNext() && two.MoveNext());
        float a = 0;
        float b = 0;
        first(ref a);
        second(ref b);
        Assert.Equal((rows[2].Stops, rows[0].Stops), ((int)a, (int)b));
    }

    [Fact]
    public void A_column_asked_for_as_another_type_or_not_at_all_is_an_error_that_names_it()
    {
        var view = new SlotView(Trained.Encode(Trained.Rows(3)));
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Miles"]]);
        Assert.Contains("Miles", Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<double>(view.Schema["Miles"])).Message, StringComparison.Ordinal);
        Assert.Contains("Stops", Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(view.Schema["Stops"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_input_called_label_stays_apart_from_what_is_learned()
    {
        var schema = new ModelSchema(ModelTask.Regression, [new ModelInput("Label", InputKind.Number, "Label")], [ModelOutputs.Score], "y");
        var table = new Table([new NumberColumn("Label", [1, 2, 3])]);
        var view = new SlotView(EncodedTable.From(table, schema), numberLabel: [7, 8, 9]);
        Assert.Equal(["Label", "Label_"], view.Schema.Select(c => c.Name));
        Assert.Equal([1f, 2f, 3f], view.GetColumn<float>("Label"));
        Assert.Equal([7f, 8f, 9f], view.GetColumn<float>(SlotView.LabelOf(schema)));
    }
}
